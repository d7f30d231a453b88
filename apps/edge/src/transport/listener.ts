import {
  type TemplatedApp,
  type us_listen_socket,
  us_listen_socket_close,
  us_socket_local_port,
} from './uws.js';

/** A port that is listened on. */
export interface ListeningPort {
  readonly port: number;
  /** Stops accepting; open connections go on. */
  close(): void;
}

/**
 * @param setting that the port comes from
 * @throws Error if the address cannot be listened on
 */
export function listen(
  app: TemplatedApp,
  host: string,
  port: number,
  setting: string,
): Promise<ListeningPort> {
  return new Promise((resolve, reject) => {
    app.listen(host, port, (socket: us_listen_socket | false) => {
      if (socket === false) {
        reject(new Error(`${setting}: ${host}:${port} cannot be listened on: is the port taken?`));
        return;
      }
      resolve({
        port: us_socket_local_port(socket as unknown as Parameters<typeof us_socket_local_port>[0]),
        close: () => us_listen_socket_close(socket),
      });
    });
  });
}
