"""A folder or an archive of images as a dataset, and one sentence for those that are none."""

import errno
import io
import os
import re
import tarfile
import warnings
import zipfile
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils.data import folder, folder_files, load_folder
from course_utils.data.folder_files import Place
from course_utils.data.folder_layout import arranged


@pytest.fixture(autouse=True)
def state(tmp_path_factory, monkeypatch):
    """A state folder of its own, with an empty cache."""
    place = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("COURSE_STATE", str(place))
    return place


def image(shade: int, size=(6, 8), kind="PNG", mode="RGB") -> bytes:
    """Pixels of one shade, height × width."""
    file = io.BytesIO()
    Image.new(mode, size[::-1], (shade,) * len(mode) if len(mode) > 1 else shade).save(file, kind)
    return file.getvalue()


def named(*paths: str) -> dict[str, bytes]:
    """Different images under these paths."""
    return {path: image(number) for number, path in enumerate(paths)}


def classes(*names: str, count: int = 5) -> dict[str, bytes]:
    return named(*(f"{name}/{number}.png" for name in names for number in range(count)))


SPLIT = named(*(f"{part}/{name}/{number}.png" for part in ("train", "test") for name in "ab" for number in range(3)))


def as_folder(files, place):
    for path, content in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)
    return place


def as_zip(files, place):
    with zipfile.ZipFile(place / "own.zip", "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return place / "own.zip"


def as_tar(files, place, kind="gz"):
    path = place / (f"own.tar.{kind}" if kind else "own.tar")
    with tarfile.open(path, f"w:{kind}") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


FORMS = {"folder": as_folder, "zip": as_zip}
FORMS |= {
    f"tar.{kind}": lambda files, place, kind=kind: as_tar(files, place, kind) for kind in ("", "gz", "bz2", "xz")
}


@pytest.mark.parametrize("form", FORMS)
def test_a_folder_and_its_archives_hold_the_same_dataset(form, tmp_path):
    path = FORMS[form](SPLIT, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train, test = load_folder(path), load_folder(str(path), "test")
    assert train.classes == ("a", "b")
    assert train.images.shape == (6, 3, 6, 8)
    assert train.images.dtype == torch.float32
    assert train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert (255 * train.images[:, 0, 0, 0]).round().tolist() == [0, 1, 2, 3, 4, 5]
    assert (255 * test.images[:, 0, 0, 0]).round().tolist() == [6, 7, 8, 9, 10, 11]
    assert len(load_folder(path, "fit")) + len(load_folder(path, "validation")) == 6
    assert f"PNG files in {path.name}" in repr(train)
    assert sorted(os.listdir(tmp_path)) == sorted({path.name} if path != tmp_path else {"train", "test"})


def test_without_a_split_a_fifth_of_each_class_is_for_the_test(tmp_path):
    path = as_folder(classes("cat", "dog", count=10), tmp_path)
    train, test = load_folder(path), load_folder(path, "test")
    assert (train.labels.bincount().tolist(), test.labels.bincount().tolist()) == ([8, 8], [2, 2])
    shades = {float(each[0, 0, 0]) for each in [*train.images, *test.images]}
    assert len(shades) == 20  # each image in one of them
    assert torch.equal(load_folder(path, "test").images, test.images)
    assert not torch.equal(load_folder(path, "test", seed=1).images, test.images)


def test_the_split_of_an_image_depends_on_its_content():
    digests = {f"{label}/{number}": f"{label}{number}" for label in "ab" for number in range(50)}
    before = arranged(digests, 0).splits
    more = {**digests, **{f"a/more{number}": f"more{number}" for number in range(5)}}
    after = arranged(more, 0).splits
    assert sum(before[path] != after[path] for path in digests) <= 2
    twins = arranged(
        {f"{label}/{number}": f"{label}{number // 2}" for label in "ab" for number in range(50)}, 0
    ).splits
    assert all(
        twins[f"{label}/{number}"] == twins[f"{label}/{number + 1}"] for label in "ab" for number in range(0, 50, 2)
    )


def test_equal_images_of_different_classes_are_on_one_side():
    digests = {f"{label}/{number}": f"{number}" for label, count in (("a", 50), ("b", 8)) for number in range(count)}
    for seed in range(9):
        splits = arranged(digests, seed).splits
        assert all(splits[f"a/{number}"] == splits[f"b/{number}"] for number in range(8))


def test_names_of_the_parts_and_folders_around_and_below(tmp_path):
    for number, (paths, expected) in enumerate(
        {
            ("pets/train/cat/1.png", "pets/train/dog/1.png", "pets/test/cat/2.png"): ("cat", "dog"),
            ("Training/b/deep/er/1.JPG", "Training/a/1.png", "Testing/a/1.png"): ("a", "b"),
            ("train/a/1.png", "train/a/2.png", "train/b/1.png", "train/b/2.png"): ("a", "b"),  # no test split
            ("car/1.png", "car/2.png", "train/1.png", "train/2.png"): ("car", "train"),  # a class of trains
            ("Löwe/1.png", "Löwe/2.png", "日本 猫/1.png", "日本 猫/2.png"): ("Löwe", "日本 猫"),
            ("training_set/training_set/a/1.png", "training_set/training_set/b/1.png", "test_set/test_set/a/1.png"): (
                "a",
                "b",
            ),
            ("seg_train/a/x/1.png", "seg_train/b/y/1.png", "TestSet/a/1.png"): ("a", "b"),
            ("all/val2017/a/1.png", "all/val2017/b/1.png", "all/train2017/a/1.png", "all/train2017/b/1.png"): (
                "a",
                "b",
            ),
            ("train/jpg/a/1.png", "train/jpg/b/1.png", "test/jpg/a/1.png", "test/jpg/b/1.png"): ("a", "b"),
            (*(f"{name}/{rest}.png" for name in "ab" for rest in ("1", "2", "3", "x/1", "y/1")),): ("a", "b"),
            ("a/x/1.png", "a/y/1.png", "b/z/1.png", "b/1.png", "bullet train/1.png", "bullet train/2.png"): (
                "a",
                "b",
                "bullet train",
            ),
        }.items()
    ):
        assert load_folder(as_folder(named(*paths), tmp_path / str(number))).classes == expected


def test_val_is_the_validation_split_beside_a_test_split_and_the_test_split_without(tmp_path):
    both = {
        f"{part}/{name}/1.png": image(shade) for shade, part in enumerate(("train", "val", "test")) for name in "ab"
    }
    path = as_folder(both, tmp_path / "three")
    shade = {split: (255 * load_folder(path, split).images[:, 0, 0, 0]).round().tolist() for split in folder.SPLITS}
    assert shade == {"train": [0, 0, 1, 1], "fit": [0, 0], "validation": [1, 1], "test": [2, 2]}
    two = as_folder({path: each for path, each in both.items() if "test" not in path}, tmp_path / "two")
    assert (255 * load_folder(two, "test").images).max() == 1


def test_accents_are_the_same_however_a_system_writes_them(tmp_path):
    files = named("train/Löwe/1.png", "train/b/1.png", "test/Lo\u0308we/1.png")
    path = as_zip(files, tmp_path)
    assert load_folder(path, "test").classes == ("Löwe", "b")
    twins = {f"{part}/{name}/1.png" for part in ("train", "test") for name in ("Löwe", "Lo\u0308we", "b")}
    (tmp_path / "twins").mkdir()
    both = as_zip(named(*sorted(twins)), tmp_path / "twins")
    assert [load_folder(both, part).labels.tolist() for part in ("train", "test")] == [[0, 0, 1], [0, 0, 1]]


def test_names_that_are_no_text_stay_different(tmp_path):
    root = tmp_path / os.fsdecode(b"\xe9")
    for number, name in enumerate((b"\xe9t\xe9", b"\xe8t\xe8")):
        try:
            as_folder({f"{each}.png": image(2 * each + number) for each in range(2)}, root / os.fsdecode(name))
        except OSError:
            pytest.skip("this system knows only names of text")
    found = load_folder(root)
    assert found.classes == (r"\udce8t\udce8", r"\udce9t\udce9")
    assert found.name == r"\udce9"
    assert r"files in \udce9," in found.source


def test_accents_in_an_archive_of_macos(tmp_path):
    """Its names are UTF-8, but do not say so."""
    path = flagged(as_zip(classes("Äpfel", "b"), tmp_path), lambda flags: flags & ~0x800)
    assert load_folder(path).classes == ("b", "Äpfel")
    old = flagged(as_zip(classes("Σ", "b"), tmp_path), lambda flags: flags & ~0x800)
    content = old.read_bytes().replace("Σ/".encode(), b"\xe4\xe4/")  # two letters of DOS, which are no UTF-8
    old.write_bytes(content)
    assert load_folder(old).classes == ("b", "ΣΣ")


def test_what_systems_leave_behind_is_ignored(tmp_path):
    rubbish = dict.fromkeys(
        (
            "cat/.DS_Store",
            "cat/._1.png",
            "cat/Thumbs.db",
            "__MACOSX/cat/._1.png",
            "__MACOSX/x.png",
            ".hidden/1.png",
            "labels.csv",
            "cat/1.txt",
            "cat/desktop.ini",
        ),
        b"rubbish",
    )
    for number, form in enumerate((as_folder, as_zip, as_tar)):
        place = tmp_path / str(number)
        place.mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert load_folder(form({**classes("cat", "dog"), **rubbish}, place)).classes == ("cat", "dog")


def test_hidden_folders_are_not_looked_into(tmp_path, monkeypatch):
    """On a stick, those of its system are closed to everybody else."""
    hidden = named(
        *(f"{place}/{number}.png" for place in (".Trashes", "a/.git", "$RECYCLE.BIN") for number in range(9))
    )
    monkeypatch.setattr(folder_files, "MOST_FILES", 15)
    assert len(load_folder(as_folder({**classes("a", "b"), **hidden}, tmp_path))) == 8


def test_the_default_device_of_a_notebook_changes_nothing(tmp_path):
    path = as_folder(classes("a", "b"), tmp_path)
    with torch.device("meta"):
        found = load_folder(path, "fit", size=3)
    assert torch.equal(found.images, load_folder(path, "fit", size=3).images)
    assert found.labels.device == torch.device("cpu")


def test_all_images_get_the_most_common_size(tmp_path):
    files = {**classes("a", "b"), "a/large.png": image(200, (60, 40)), "a/small.gif": image(90, (2, 3), "GIF", "L")}
    path = as_folder(files, tmp_path)
    assert load_folder(path).images.shape == (10, 3, 6, 8)
    assert load_folder(path, image_size=5).images.shape[1:] == (3, 5, 5)
    assert load_folder(path, image_size=(4, 9)).images.shape[1:] == (3, 4, 9)
    large = {f"{label}/{number}.jpg": image(number, (600, 400), "JPEG") for label in "ab" for number in range(2)}
    assert load_folder(as_folder(large, tmp_path / "large")).images.shape[1:] == (3, 224, 149)


def test_any_mode_is_an_image_and_photographs_stand_upright(tmp_path):
    files = classes("a", "b")
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    half = np.zeros((8, 6, 3), np.uint8)
    half[:4] = 255  # the upper half is white, and stands on the right once it is upright
    Image.fromarray(half).save(file, "PNG", exif=exif)
    files["a/turned.png"] = file.getvalue()
    for mode, kind in (("CMYK", "JPEG"), ("LA", "PNG"), ("1", "PNG"), ("I;16", "PNG"), ("P", "GIF")):
        file = io.BytesIO()
        Image.new(mode, (8, 6)).save(file, kind)
        files[f"a/mode {mode.replace(';', '')}.{kind.lower()}"] = file.getvalue()
    as_folder(files, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = [load_folder(tmp_path, split) for split in ("train", "test")]
    assert sum(map(len, found)) == 16
    turned = [each for part in found for each in part.images if 0 < each.mean() < 1 and each.std() > 0.3]
    assert len(turned) == 1
    assert turned[0][:, :, 4:].min() == 1
    assert turned[0][:, :, :4].max() == 0


def test_a_few_bad_files_are_named_and_left_out_and_many_are_refused(tmp_path):
    files = {**classes("a", "b", count=10), "a/bad.jpg": b"rubbish"}
    path = as_folder(files, tmp_path)
    for _ in range(2):  # read, and from the cache
        with pytest.warns(
            UserWarning, match=r"1 of 21 image files in .* is left out; the first: a/bad\.jpg is not an image"
        ):
            assert len(load_folder(path)) == 16
    as_folder({f"b/{number}.png": files["a/1.png"][:40] for number in "xyz"}, path)
    with pytest.raises(
        ValueError, match=r"4 of 24 .* more than a tenth; the first: a/bad.jpg .*; repair or remove them\.$"
    ):
        load_folder(path)


def test_the_array_is_kept_until_a_file_changes(tmp_path, state, monkeypatch):
    files = {
        f"{name}/{number}.bmp": image(number + 10 * (name == "b"), kind="BMP") for name in "ab" for number in range(9)
    }
    path = as_folder(files, tmp_path)  # all of the same number of bytes
    first = load_folder(path).images
    (stored,) = (state / "cache").iterdir()
    monkeypatch.setattr(folder, "decoded", None)  # nothing is decoded again
    assert torch.equal(load_folder(path).images, first)
    monkeypatch.undo()
    monkeypatch.setenv("COURSE_STATE", str(state))
    stored.write_bytes(stored.read_bytes()[:-100].replace(b"\x07", b"\x08"))  # damaged: made again
    assert torch.equal(load_folder(path).images, first)
    for file in path.rglob("*.bmp"):
        os.utime(file, ns=(1, 1))
    assert len(list((state / "cache").iterdir())) == 1
    load_folder(path)
    assert len(list((state / "cache").iterdir())) == 2
    for old, new in ("ax", "ba", "xb"):
        (path / old).rename(path / new)
    assert not torch.equal(load_folder(path).images, first)  # in spite of equal sizes and times
    for size in range(1, 6):
        load_folder(path, image_size=size)
    assert len(list((state / "cache").iterdir())) == 4  # the last ones used


@pytest.mark.parametrize("before", [0, 1])  # all files are read twice
def test_what_a_network_drive_kept_back_is_named_and_not_remembered(before, tmp_path, monkeypatch):
    path, opened, times = as_folder(MANY, tmp_path), folder_files.files.opened, Counter()

    def away(file):
        times[file] += 1
        if file.name == "3.png" and times[file] > before:
            raise OSError(errno.EIO, "Input/output error")
        return opened(file)

    monkeypatch.setattr(folder_files.files, "opened", away)
    with pytest.warns(UserWarning, match=r"2 of 40 .* a/3\.png cannot be read \(Input/output error\)"):
        load_folder(path)
    monkeypatch.setattr(folder_files.files, "opened", opened)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load_folder(path)) == 32


def test_without_a_folder_for_the_cache_it_works_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "file"))
    assert len(load_folder(as_folder(classes("a", "b"), tmp_path / "own"))) == 8


def test_the_same_name_twice_in_an_archive_is_named_and_left_out(tmp_path):
    path = as_zip(MANY, tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(r"a\1.png", image(99))
    with pytest.warns(UserWarning, match=r"1 of 40 .*: a/1\.png is there twice\.$"):
        assert len(load_folder(path)) + len(load_folder(path, "test")) == 39


def test_a_size_draws_images_by_seed(tmp_path):
    path = as_folder(SPLIT, tmp_path)
    assert torch.equal(load_folder(path, size=3, seed=1).images, load_folder(path, size=3, seed=1).images)
    assert Counter(load_folder(path, size=6, seed=1).labels.tolist()) == {0: 3, 1: 3}


MANY = classes("a", "b", count=20)


def linked_tar(place):
    link = tarfile.TarInfo("a/secret.png")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    path = as_tar(MANY, place, "")
    with tarfile.open(path, "a") as archive:
        archive.addfile(link)
    return path


def linked_zip(place):
    link = zipfile.ZipInfo("a/secret.png")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    path = as_zip(MANY, place)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    return path


@pytest.mark.parametrize("linked", [linked_tar, linked_zip])
def test_a_link_in_an_archive_is_left_out(linked, tmp_path):
    with pytest.warns(UserWarning, match=r"1 of 41 .*: a/secret\.png is a link\.$"):
        assert len(load_folder(linked(tmp_path))) == 32


def test_links_in_a_folder_are_followed_but_not_in_circles(tmp_path):
    as_folder(classes("a", "b"), tmp_path / "own")
    try:
        (tmp_path / "own/a/again").symlink_to(tmp_path / "own", target_is_directory=True)
        (tmp_path / "own/a/gone.png").symlink_to(tmp_path / "nowhere.png")
        for name in "cd":
            (tmp_path / "own" / name).symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    as_folder({f"{number}.png": image(40 + number) for number in range(2)}, tmp_path / "elsewhere")
    with pytest.warns(UserWarning, match=r"1 of 15 .* a/gone\.png cannot be read"):
        assert load_folder(tmp_path / "own").classes == ("a", "b", "c", "d")


def bomb(place):
    with zipfile.ZipFile(place / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"a/{number}.png", bytes(2**26))
    return place / "bomb.zip"


def flagged(path, change, place=6):
    """A .zip archive after a change of each entry's flags or, at place 8, of the method that packs it."""
    content = bytearray(path.read_bytes())
    for sign, further in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        for match in re.finditer(re.escape(sign), bytes(content)):
            at = slice(match.start() + place + further, match.start() + place + further + 2)
            content[at] = change(int.from_bytes(content[at], "little")).to_bytes(2, "little")
    path.write_bytes(content)
    return path


def cut(place, kind="gz", end=-200):
    """An archive of ten files, of which each takes 1,024 bytes unpacked, that ends too early."""
    path = as_tar(classes("a", "b"), place, kind)
    path.write_bytes(path.read_bytes()[:end])
    return path


def only(name, content):
    def make(place):
        (place / name).write_bytes(content)
        return place / name

    return make


REFUSED = {
    "empty": (lambda place: place, "There are no images in .*: put those of each class"),
    "only texts": (lambda place: as_folder({"a/1.txt": b"x", "b/2.csv": b"y"}, place), "There are no images"),
    "one class": (lambda place: as_folder(classes("cat"), place), "only images of one class, cat, but needs two"),
    "no classes": (lambda place: as_folder(named("1.png", "2.png"), place), "1.png is not in the folder of a class"),
    "one image": (
        lambda place: as_folder(named("a/1.png", "b/1.png", "b/2.png"), place),
        "The class a has 1 different image, but needs two",
    ),
    "a class of the test alone": (
        lambda place: as_folder(named("train/a/1.png", "train/b/1.png", "test/c/1.png"), place),
        "no training images of the class c",
    ),
    "all damaged": (lambda place: as_folder({"a/1.png": b"", "b/1.png": b""}, place), "2 of 2 image files"),
    "a bomb": (bomb, "unpacks to more than 100 times its size"),
    "a path that leads out": (
        lambda place: as_zip({"../a/1.png": image(0)}, place),
        "holds ../a/1.png, a path that leads",
    ),
    "an absolute path": (lambda place: as_tar({"/a/1.png": image(0)}, place), "holds /a/1.png, a path that leads"),
    "a password": (
        lambda place: flagged(as_zip(classes("a", "b"), place), lambda flags: flags | 1),
        "is locked with a password: unpack it, and pass the folder",
    ),
    "Deflate64": (
        lambda place: flagged(as_zip(classes("a", "b"), place), lambda method: 9, 8),
        "cannot unpack .*: unpack it, and pass the folder",
    ),
    "7-Zip": (only("own.7z", b"7z\xbc\xaf\x27\x1c" + bytes(99)), "of another kind .*: unpack it, and pass the folder"),
    "half an archive": (cut, r"no whole .zip, .* \(.+\): copy it again, or unpack it"),
    "an archive without its last file": (lambda place: cut(place, "", 9 * 1024), r"\(it is cut off\): copy it again"),
    "an archive cut in a header": (lambda place: cut(place, "", 9 * 1024 + 100), r"\(it is cut off\): copy it again"),
    "an archive without its checksum": (
        lambda place: cut(place, "gz", -5),
        r"no whole .zip, .* \(.+\): copy it again, or unpack it",
    ),
    "half of bz2": (lambda place: cut(place, "bz2"), r"no whole .zip, .* \(.+\): copy it again, or unpack it"),
    "a file": (only("own.zip", b"not an archive"), "neither a folder nor an archive: pass the folder of the images"),
    "an image": (only("cat.png", image(0)), "is one image: pass a folder that has a folder of images for each class"),
    "nothing": (only("own.tar", b""), "neither a folder nor an archive"),
    "images without classes beside training images": (
        lambda place: as_folder(named("train/a/1.png", "train/b/1.png", "more/1.png"), place),
        "The folder train is named after a split .* no other split: pass train alone",
    ),
    "images and masks": (
        lambda place: as_folder(
            named(*(f"{each}/1.png" for each in ("images/a", "images/b", "images/c", "masks/a", "masks/b"))), place
        ),
        "The folders images and masks hold the same folders, such as a, .*: pass one of the two alone",
    ),
    "masks in both splits": (
        lambda place: as_folder(
            named(*(f"{part}/{kind}/{name}/1.png" for part in ("train", "test") for kind in "im" for name in "ab")),
            place,
        ),
        "The folders i and m hold the same folders, such as a",
    ),
    "splits in each class": (
        lambda place: as_folder(named(*(f"{name}/{part}/1.png" for part in ("train", "test") for name in "ab")), place),
        "The folders a and b hold the same folders, such as test, .* arrange the images as train/CLASS and test/CLASS",
    ),
    "two training folders": (
        lambda place: as_folder(named("train_images/a/1.png", "train_masks/a/1.png", "test/a/1.png"), place),
        "The folders train_images and train_masks are both named after the train split",
    ),
    "competitions' folders": (
        lambda place: as_folder(named("train_images/1.png", "train_images/2.png", "test_images/1.png"), place),
        "test_images/1.png is not in the folder of a class",
    ),
    "a test without classes": (
        lambda place: as_folder(
            {**{f"train/{each}": content for each, content in MANY.items()}, "test/1.png": image(99)}, place
        ),
        "no image of a class in its test split: put some into test/CLASS",
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.* left out")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_dataset_gets_one_sentence(name, tmp_path):
    make, words = REFUSED[name]
    path = make(tmp_path)
    with pytest.raises(ValueError, match=words) as refused:
        load_folder(path)
    assert re.fullmatch(r"[^\n]+\.", str(refused.value))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"path": "nowhere"}, "There is no file or folder 'nowhere'"),
        ({"path": "https://example.org/own.zip"}, "is an address"),
        ({"path": None}, "The path is None, but must be text"),
        ({"split": "val"}, "no split 'val': choose one of train, fit, validation, test"),
        ({"size": 0}, "size is 0, .*at least 1"),
        ({"size": 100}, "size is 100, but .* train has 6 images"),
        ({"seed": 0.5}, "seed is 0.5"),
        ({"image_size": 0}, "image_size is 0"),
        ({"image_size": (4, "x")}, r"image_size\[1\] is 'x'"),
    ],
)
def test_wrong_arguments_get_one_sentence(arguments, words, tmp_path):
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        load_folder(**{"path": as_folder(SPLIT, tmp_path), **arguments})


def test_images_that_do_not_fit_into_memory_are_refused_before_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "free_memory", lambda: 5000)
    with pytest.raises(
        MemoryError, match=r"12 images of 6 × 8 pixels need .*: leave some images out, or pass a smaller"
    ):
        load_folder(as_folder(SPLIT, tmp_path))


def test_a_folder_that_changes_is_another_place(tmp_path):
    path = as_folder(classes("a", "b"), tmp_path)
    before = Place(path).key
    assert Place(path).key == before
    (path / "a/1.png").rename(path / "a/one.png")
    assert Place(path).key != before
