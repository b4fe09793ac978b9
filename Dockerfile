# The course for DockerSpawner and Zero to JupyterHub, with PyTorch's build for CPUs: notebooks/INSTRUCTOR.md, "A class on
# many machines". Packages are one layer and the course another, so that a correction is a small download.
ARG PYTHON=python:3.11-slim-bookworm

FROM $PYTHON AS tools
RUN python -m venv /tools && /tools/bin/pip install --no-cache-dir --disable-pip-version-check uv==0.13.9

# From pyproject.toml and uv.lock alone: what every version of the course with the same packages shares.
FROM tools AS locked
WORKDIR /locked
COPY pyproject.toml uv.lock ./
RUN /tools/bin/uv export --quiet --locked --all-extras --all-groups --no-hashes --no-emit-project --output-file locked.txt

FROM tools AS wheel
WORKDIR /source
COPY . .
RUN /tools/bin/uv build --quiet --wheel --out-dir /wheel

FROM $PYTHON
# PyTorch's own index has builds for CPUs: `uv pip install --torch-backend`.
ARG TORCH=cpu
# Debian's mirrors keep no earlier versions, so none is named.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends dataset-fashion-mnist tini \
    && apt-get clean && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --gid users --create-home --shell /bin/bash jovyan
WORKDIR /locked
RUN --mount=type=bind,from=locked,source=/tools,target=/tools \
    --mount=type=bind,from=locked,source=/locked,target=/locked \
    python -m venv --without-pip /opt/course \
    && /tools/bin/uv pip install --python /opt/course/bin/python --no-cache --compile-bytecode --torch-backend "$TORCH" \
        --constraint locked.txt --requirement pyproject.toml --extra lab --extra onnx --group weights jupyterhub
RUN --mount=type=bind,from=wheel,source=/tools,target=/tools \
    --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    /tools/bin/uv pip install --python /opt/course/bin/python --no-cache --compile-bytecode --no-deps /wheel/*.whl

ENV PATH=/opt/course/bin:$PATH HOME=/home/jovyan LANG=C.UTF-8
# Numbers, because Kubernetes checks that this is not root. The home folder is where a hub mounts each student's own.
USER 1000:100
WORKDIR /home/jovyan
EXPOSE 8888
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m CMD ["python", "-P", "-m", "course_utils.teaching.hub.health"]
ENTRYPOINT ["tini", "--", "python", "-P", "-m", "course_utils.teaching.hub.hand_out"]
CMD ["jupyterhub-singleuser"]
