/** The configuration of nginx with Nchan, as its manual has it, with the limits that Halley has. */

interface ConfigOptions {
  /** Path of Nchan's module. */
  readonly module: string;
  /** For all that nginx writes. */
  readonly dir: string;
  readonly port: number;
  readonly redisUrl: string | undefined;
}

/** Halley's default history (libs/shared/src/config). */
const HISTORY_MESSAGES = 100;
const HISTORY_SECONDS = 300;
/** uWS pings a socket that has been silent this long, less a moment, at Halley's idle time-out. */
const PING_SECONDS = 50;
/** A process has 20,000 files here, and nginx needs some for itself. */
const CONNECTIONS = 19_900;

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

export function configOf({ module, dir, port, redisUrl }: ConfigOptions): string {
  const pass = redisUrl === undefined ? '' : 'nchan_redis_pass redis;';
  const upstream =
    redisUrl === undefined ? '' : `upstream redis { nchan_redis_server ${redisUrl}; }`;
  const temporary = TEMPORARY.map((name) => `${name}_temp_path ${dir}/${name};`).join('\n  ');
  return `
load_module ${module};
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
daemon off;
pid ${dir}/nginx.pid;
lock_file ${dir}/nginx.lock;
error_log stderr notice;
events { worker_connections ${CONNECTIONS}; }
http {
  access_log off;
  # By default a connection ends after 1,000 requests, and the load does not open new ones.
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  ${temporary}
  ${upstream}
  server {
    listen 127.0.0.1:${port} backlog=512;
    nchan_message_buffer_length ${HISTORY_MESSAGES};
    nchan_message_timeout ${HISTORY_SECONDS}s;
    location ~ ^/sub/(.+)$ {
      nchan_subscriber websocket;
      nchan_channel_id $1;
      nchan_subscriber_first_message newest;
      nchan_websocket_ping_interval ${PING_SECONDS}s;
      ${pass}
    }
    location ~ ^/pub/(.+)$ {
      nchan_publisher http;
      nchan_channel_id $1;
      ${pass}
    }
  }
}
`;
}
