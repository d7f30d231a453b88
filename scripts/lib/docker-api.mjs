/** The few calls that the test run makes of a Docker engine, over its socket. */

import { request } from 'node:http';

const CALL_DEADLINE_MS = 5_000;

export class DockerApi {
  #socketPath;

  constructor(socketPath) {
    this.#socketPath = socketPath;
  }

  /** @returns the engine's version; @throws where none answers */
  async version() {
    return JSON.parse(await this.call('GET', '/version')).Version;
  }

  /** The ids of all containers that carry a label, stopped ones too. */
  async containers(label) {
    const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
    const found = JSON.parse(await this.call('GET', `/containers/json?all=1&filters=${filters}`));
    return found.map(({ Id }) => Id);
  }

  removeContainer(id) {
    return this.call('DELETE', `/containers/${id}?force=1&v=1`);
  }

  /** @param body an object, sent as JSON, or a tar archive; @returns the text of the answer */
  call(method, path, body, deadlineMs = CALL_DEADLINE_MS) {
    const isTar = Buffer.isBuffer(body);
    const content = body === undefined || isTar ? body : JSON.stringify(body);
    const type = isTar ? 'application/x-tar' : 'application/json';
    return new Promise((resolve, reject) => {
      const headers = content === undefined ? {} : { 'content-type': type };
      const signal = AbortSignal.timeout(deadlineMs);
      const options = { socketPath: this.#socketPath, method, path, headers, signal };
      const call = request(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode < 400) resolve(text);
          else reject(new Error(`${method} ${path.split('?')[0]}: ${text.trim()}`));
        });
      });
      call.on('error', reject);
      call.end(content);
    });
  }
}
