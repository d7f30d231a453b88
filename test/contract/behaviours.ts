/** What every wire is held to, and the one list of what some cannot do. */

export const BEHAVIOURS = [
  'connect',
  'subscribe',
  'receive in order',
  'resume',
  'private message',
  'refuse',
  'slow reader',
  'drain',
] as const;

export type Behaviour = (typeof BEHAVIOURS)[number];

const ONE_ANSWER = 'an answer is whole when it is sent: nothing is pushed to its reader';
const SHORT_HISTORY =
  'the protocol gives a new connection 40 messages at most: a slow reader is cut, but misses the rest';
const NO_CLIENTS = 'the protocol has channels only, and no word for a client';

/** By wire; each with its reason. */
export const SKIPS: Readonly<Record<string, Partial<Record<Behaviour, string>>>> = {
  'long-polling': { 'slow reader': ONE_ANSWER },
  JSONP: { 'slow reader': ONE_ANSWER },
  'iComet poll': { 'private message': NO_CLIENTS, 'slow reader': ONE_ANSWER },
  'iComet JSONP': { 'private message': NO_CLIENTS, 'slow reader': ONE_ANSWER },
  'iComet stream': { 'private message': NO_CLIENTS },
  'iComet SSE': { 'private message': NO_CLIENTS },
  'iComet iframe': { 'private message': NO_CLIENTS },
  MegaComet: { 'slow reader': ONE_ANSWER },
  'DPS poll': { 'private message': NO_CLIENTS, 'slow reader': ONE_ANSWER },
  'DPS WebSocket': { 'private message': NO_CLIENTS, 'slow reader': SHORT_HISTORY },
};

export function skipOf(wire: string, behaviour: Behaviour): string | null {
  return SKIPS[wire]?.[behaviour] ?? null;
}

/** The matrix as a table of Markdown, and the reasons below it. */
export function matrixOf(wires: readonly string[]): string {
  const reasons = [...new Set(wires.flatMap((wire) => Object.values(SKIPS[wire] ?? {})))];
  const cell = (wire: string, behaviour: Behaviour) => {
    const reason = skipOf(wire, behaviour);
    return reason === null ? 'yes' : `— (${reasons.indexOf(reason) + 1})`;
  };
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    row(['wire', ...BEHAVIOURS]),
    row(['---', ...BEHAVIOURS.map(() => '---')]),
    ...wires.map((wire) => row([wire, ...BEHAVIOURS.map((behaviour) => cell(wire, behaviour))])),
    '',
    ...reasons.map((reason, index) => `${index + 1}. ${reason}.`),
    '',
  ].join('\n');
}
