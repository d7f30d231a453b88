/** What `halley start` prints once everything serves. */

/** Ports on which one door alone is served; 0: off. */
export interface DoorPorts {
  readonly megacomet: number;
  readonly megacometManager: number;
  readonly dps: number;
}

export interface Served {
  readonly isProduction: boolean;
  readonly hasTls: boolean;
  readonly host: string;
  readonly apiPort: number;
  readonly edgePorts: readonly number[];
  readonly edgeAdminPorts: readonly number[];
  readonly doorPorts: DoorPorts;
  /** Where Redis is, without secrets. */
  readonly redis: string;
  /** The key that works when nothing is configured; null where the operator set keys. */
  readonly developmentKey: string | null;
}

const CHANNEL = 'demo:hello';

export function greeting(served: Served): string {
  const { isProduction, edgePorts, edgeAdminPorts, redis } = served;
  const host = urlHost(served.host);
  const s = served.hasTls ? 's' : '';
  const api = `http${s}://${host}:${served.apiPort}`;
  const sockets = unique(edgePorts).map((port) => `ws${s}://${host}:${port}/v1/ws`);
  const admins = edgeAdminPorts.map((port) => `http://${host}:${port}/metrics`);
  const lines = [
    `Halley is running (${isProduction ? 'production' : 'development'}). Ctrl-C stops it.`,
    '',
    `  api    ${api}`,
    `  edges  ${edgePorts.length} on ${sockets.join(' ')}`,
    `         ${admins.join(' ')}`,
    ...doorLines(host, s, served.doorPorts),
    `  redis  ${redis}`,
  ];
  if (!isProduction) lines.push('', ...firstSteps(api, sockets[0] ?? '', served.developmentKey));
  return `${lines.join('\n')}\n`;
}

function doorLines(
  host: string,
  s: string,
  { megacomet, megacometManager, dps }: DoorPorts,
): string[] {
  const lines = [];
  if (megacomet !== 0) lines.push(`MegaComet on http${s}://${host}:${megacomet}/<clientId>.js`);
  if (megacometManager !== 0) lines.push(`manager of MegaComet on ${host}:${megacometManager}`);
  if (dps !== 0) lines.push(`DPS on http${s}://${host}:${dps}`);
  return lines.map((line, index) => `  ${index === 0 ? 'doors' : '     '}  ${line}`);
}

function firstSteps(api: string, socket: string, key: string | null): string[] {
  const subscribe = `{"type":"subscribe","ref":1,"channel":"${CHANNEL}"}`;
  return [
    ...(key === null ? [] : [`Development key: ${key}`, '']),
    `Open ${socket.replace(/^ws(.*)\/v1\/ws$/, 'http$1/demo')} for a chat that shows what there is.`,
    'Or subscribe in the console of a browser:',
    '',
    `  s = new WebSocket('${socket}')`,
    `  s.onmessage = (event) => console.log(event.data)`,
    `  s.onopen = () => s.send('${subscribe}')`,
    '',
    'Publish:',
    '',
    `  ${curlLine(api, key ?? '<one of HALLEY_API_KEYS>')}`,
  ];
}

function curlLine(api: string, key: string): string {
  return [
    `curl ${api}/channels/${CHANNEL}/messages`,
    `-H 'Authorization: Bearer ${key}'`,
    `-H 'Content-Type: application/json'`,
    `-d '{"data":"hello"}'`,
  ].join(' ');
}

/** An address to open: one that means "all addresses" cannot be opened, loopback can. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function unique(ports: readonly number[]): number[] {
  return [...new Set(ports)];
}
