/** The options of a namespace that the core acts on. */
export interface NamespaceOptions {
  readonly historySize: number;
  readonly historySeconds: number;
  readonly members: boolean;
  readonly joinLeave: boolean;
  readonly leaveDelayMs: number;
  readonly maxPayloadBytes: number;
}

export interface NamespaceTable {
  of(channel: string): NamespaceOptions;
}
