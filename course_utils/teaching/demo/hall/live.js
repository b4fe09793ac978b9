// The vote on this machine, if `course demo --vote` serves these pages: which question is open, and how many voted.

/** @typedef {{ demo: string, counts: Record<string, number>, address: string, code: string }} Tally */

// act(tally) at every vote. tell(message): open a question, close it, or show its answer.
/** @param {(tally: Tally) => void} act */
export function liveVote(act) {
  if (!location.pathname.startsWith("/hall/")) return null;
  /** @type {object[]} */
  let unsent = [];
  /** @type {WebSocket} */
  let socket;
  const connect = () => {
    socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/lecturer`);
    socket.onmessage = ({ data }) => act(JSON.parse(data));
    socket.onopen = () => {
      for (const message of unsent) socket.send(JSON.stringify(message));
      unsent = [];
    };
    socket.onclose = () => setTimeout(connect, 1000);
  };
  connect();
  return (/** @type {object} */ message) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    else unsent = "question" in message ? [message] : [...unsent, message];
  };
}
