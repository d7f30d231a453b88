/** What a WebSocket of the native wire has brought. */

const WAIT_DEADLINE_MS = 10_000;

export class Inbox {
  #frames = [];
  #waiting = new Set();

  constructor(socket, onMessage) {
    socket.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type === 'message') onMessage(frame);
      this.#frames.push(frame);
      for (const look of this.#waiting) look();
    });
  }

  /** Resolves once so many frames are so. @throws Error with the code of an `error` frame, or when it takes too long */
  until(what, isWanted, count = 1) {
    return new Promise((resolve, reject) => {
      const end = (settle, value) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        settle(value);
      };
      const look = () => {
        const error = this.#frames.find(({ type }) => type === 'error');
        if (error !== undefined) end(reject, new Error(`refused: ${error.code}`));
        else if (this.#frames.filter(isWanted).length >= count) end(resolve);
      };
      const timer = setTimeout(
        () => end(reject, new Error(`never came: ${what}`)),
        WAIT_DEADLINE_MS,
      );
      this.#waiting.add(look);
      look();
    });
  }
}
