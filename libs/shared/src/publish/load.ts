/** What a publisher has to know of those who deliver. */
export interface FleetLoad {
  /** More than half of the edges deliver less than they get: nothing more goes to channels. */
  readonly isOverloaded: boolean;
  /** Edges that deliver less than they get; their clients get nothing more. */
  readonly overloadedEdges: readonly string[];
}

/** Nobody has complained. */
export const CALM: FleetLoad = { isOverloaded: false, overloadedEdges: [] };
