/** Printed by scripts/openapi-types.mjs out of the API's description: change its routes instead. */

/** `code` of a refusal. */
export type Code =
  | 'disconnected'
  | 'origin-refused'
  | 'bad-client'
  | 'protocol-broken'
  | 'bad-position'
  | 'presence-unavailable'
  | 'too-many-connections'
  | 'edge-full'
  | 'rate-limited'
  | 'slow-reader'
  | 'draining'
  | 'token-expired'
  | 'bad-token'
  | 'token-revoked'
  | 'bad-json'
  | 'bad-framing'
  | 'bad-frame'
  | 'unknown-type'
  | 'missing-field'
  | 'bad-field'
  | 'bad-channel'
  | 'bad-cursor'
  | 'bad-callback'
  | 'connection-needed'
  | 'bad-query'
  | 'too-many-frames'
  | 'frame-too-large'
  | 'payload-too-large'
  | 'body-too-large'
  | 'too-many-channels'
  | 'not-subscribed'
  | 'forbidden'
  | 'banned'
  | 'kicked'
  | 'members-disabled'
  | 'history-disabled'
  | 'signing-disabled'
  | 'unauthorized'
  | 'not-found'
  | 'method-not-allowed'
  | 'unsupported-media-type'
  | 'queue-full'
  | 'authorizer-unavailable'
  | 'overloaded'
  | 'unavailable'
  | 'outcome-unknown'
  | 'internal';

/** The calls by their `operationId`: what they take, and their answers by status. */
export interface Operations {
  /** Publishes a message to the subscribers of a channel. */
  publishToChannel: {
    path: {
      /** Name of a channel. */
      name: string;
    };
    body: {
      /** Any JSON value; delivered byte for byte. */
      data: unknown;
      event?: string | undefined;
      /** A repetition within 5 minutes is answered with the first message’s id. */
      key?: string | undefined;
      /** 1-200 bytes of UTF-8 without control characters. */
      from?: string | undefined;
    };
    answers: {
      /** The key was used before: the id of the first message. Nothing was sent. */
      200: {
        /** Where a stream was read up to; opaque but for the unix ms before the first `-`. */
        id: string;
        repeated: true;
      };
      201: {
        /** Where a stream was read up to; opaque but for the unix ms before the first `-`. */
        id: string;
        /** Edges that took the message; not a receipt. */
        edges: number;
      };
    };
  };
  /** Reads the history of a channel, oldest first; without a position the newest messages. */
  readHistory: {
    path: {
      /** Name of a channel. */
      name: string;
    };
    query: {
      /** Messages that follow this one. */
      after?: string | undefined;
      /** The messages just before this one. */
      before?: string | undefined;
      /** How many items at most. */
      limit?: number | undefined;
    };
    answers: {
      200: {
        messages: {
          /** Where a stream was read up to; opaque but for the unix ms before the first `-`. */
          id: string;
          /** Any JSON value; delivered byte for byte. */
          data: unknown;
          event?: string;
          /** The sender, where one was named. */
          clientId?: string;
          connectionId?: string;
        }[];
        /** Where a stream was read up to; opaque but for the unix ms before the first `-`. */
        position: string;
        /** There is more in the direction of reading. */
        more: boolean;
      };
    };
  };
  /** Clears the history of a channel; positions go on. */
  clearHistory: {
    path: {
      /** Name of a channel. */
      name: string;
    };
    answers: {
      200: {
        removed: number;
      };
    };
  };
  /** Lists the channels that have subscribers, by name. */
  listChannels: {
    query: {
      /** What the names begin with. */
      prefix?: string | undefined;
      /** The list goes on after this name. */
      after?: string | undefined;
      /** How many items at most. */
      limit?: number | undefined;
    };
    answers: {
      200: {
        channels: {
          /** 1-200 characters of `A-Z a-z 0-9 _ - = @ , . ; : ~`. */
          channel: string;
          subscribers: number;
        }[];
        more: boolean;
      };
    };
  };
  /** Says how many subscribers a channel has, where, and what its log holds. */
  readChannel: {
    path: {
      /** Name of a channel. */
      name: string;
    };
    answers: {
      200: {
        /** 1-200 characters of `A-Z a-z 0-9 _ - = @ , . ; : ~`. */
        channel: string;
        subscribers: number;
        /** Subscribers by edge. */
        edges: Record<string, number>;
        /** Of the last message; null where there was none in the last 7 days. */
        position: string | null;
        /** Messages that the log holds; those older than historySeconds are not shown. */
        historyLength: number;
        members?: number;
      };
    };
  };
  /** Lists the members of a channel, by name. */
  listMembers: {
    path: {
      /** Name of a channel. */
      name: string;
    };
    query: {
      /** The list goes on after this name. */
      after?: string | undefined;
      /** How many items at most. */
      limit?: number | undefined;
    };
    answers: {
      200: {
        /** Members of the whole channel. */
        count: number;
        members: {
          /** The connectionId of a nameless one. */
          clientId: string;
          info?: unknown;
          connections: number;
        }[];
        more: boolean;
      };
    };
  };
  /** Ends the subscription of a client to a channel; with `seconds`, bans it for a time. */
  kickMember: {
    path: {
      /** Name of a channel. */
      name: string;
      /** Name of a client. */
      clientId: string;
    };
    body: {
      /** Told to the client in `unsubscribed`; by default `kicked`. */
      code?: string | undefined;
      /** How long the client may not come back. */
      seconds?: number | undefined;
    };
    answers: {
      200: {
        /** Edges that were told. */
        edges: number;
      };
    };
  };
  /** Sends a private message to all connections of a client; waits in its queue meanwhile. */
  publishToClient: {
    path: {
      /** Name of a client. */
      id: string;
    };
    body: {
      /** Any JSON value; delivered byte for byte. */
      data: unknown;
      event?: string | undefined;
      /** A repetition within 5 minutes is answered with the first message’s id. */
      key?: string | undefined;
    };
    answers: {
      /** The key was used before: the id of the first message. Nothing was sent. */
      200: {
        /** Where a stream was read up to; opaque but for the unix ms before the first `-`. */
        id: string;
        repeated: true;
      };
      201: {
        /** Where a stream was read up to; opaque but for the unix ms before the first `-`. */
        id: string;
        /** Edges that took the message; not a receipt. */
        edges: number;
      };
    };
  };
  /** Reads the private messages that wait for a client, oldest first. */
  readQueue: {
    path: {
      /** Name of a client. */
      id: string;
    };
    query: {
      /** Messages that follow this one. */
      after?: string | undefined;
      /** How many items at most. */
      limit?: number | undefined;
    };
    answers: {
      200: {
        messages: {
          /** Where a stream was read up to; opaque but for the unix ms before the first `-`. */
          id: string;
          /** Any JSON value; delivered byte for byte. */
          data: unknown;
          event?: string;
          /** The sender, where one was named. */
          clientId?: string;
          connectionId?: string;
        }[];
        /** The highest position that any connection of the client has acknowledged. */
        acked: string | null;
        more: boolean;
      };
    };
  };
  /** Says of many clients whether they are online and when they were last seen. */
  readClients: {
    query: {
      /** Up to 1000 names with commas between them, each percent-encoded by itself. */
      ids: readonly string[];
    };
    answers: {
      200: {
        clients: {
          /** 1-200 bytes of UTF-8 without control characters. */
          clientId: string;
          online: boolean;
          /** Unix ms of the last disconnect; null where none is known. */
          lastSeen: number | null;
        }[];
      };
    };
  };
  /** Shows the connections of a client, as its edges report them. */
  readClient: {
    path: {
      /** Name of a client. */
      id: string;
    };
    answers: {
      200: {
        /** 1-200 bytes of UTF-8 without control characters. */
        clientId: string;
        online: boolean;
        /** Unix ms of the last disconnect; null where none is known. */
        lastSeen: number | null;
        /** Edges that hold a connection of the client. */
        edges: string[];
        connections: {
          edgeId: string;
          connectionId: string;
          wire: string;
          /** Unix time, ms. */
          since: number;
          address: string;
          channels: {
            /** 1-200 characters of `A-Z a-z 0-9 _ - = @ , . ; : ~`. */
            channel: string;
            /** Where a stream was read up to; opaque but for the unix ms before the first `-`. */
            position: string;
          }[];
          bytesWaiting: number;
          lastAck: string | null;
        }[];
        /** Edges that did not say in time which connections they hold. */
        unreachable: string[];
      };
    };
  };
  /** Closes the connections of a client with a close code, which says what it does next. */
  disconnectClient: {
    path: {
      /** Name of a client. */
      id: string;
    };
    body: {
      code?: number | undefined;
    };
    answers: {
      200: {
        /** Edges of the client that were told. */
        edges: number;
      };
    };
  };
  /** Revokes the tokens of a client that were issued before a time. */
  revokeClient: {
    path: {
      /** Name of a client. */
      id: string;
    };
    body: {
      /** Tokens whose `iat` is below this unix second are revoked; default: now. */
      issuedBefore?: number | undefined;
    };
    answers: {
      200: {
        /** Unix time, seconds. */
        issuedBefore: number;
        /** Edges of the client that were told. */
        edges: number;
      };
    };
  };
  /** Publishes up to 1000 messages; the results come in their order. */
  publishBatch: {
    body: {
      messages: readonly {
        /** 1-200 characters of `A-Z a-z 0-9 _ - = @ , . ; : ~`. */
        channel?: string | undefined;
        channels?: readonly string[] | undefined;
        /** 1-200 bytes of UTF-8 without control characters. */
        client?: string | undefined;
        clients?: readonly string[] | undefined;
        /** Any JSON value; delivered byte for byte. */
        data: unknown;
        event?: string | undefined;
        /** A repetition within 5 minutes is answered with the first message’s id. */
        key?: string | undefined;
      }[];
    };
    answers: {
      200: {
        results: {
          /** Where a stream was read up to; opaque but for the unix ms before the first `-`. */
          id?: string;
          edges?: number;
          repeated?: true;
          code?: Code;
          /** Why this one was refused. */
          message?: string;
          field?: string;
          retryAfterMs?: number;
          results?: {
            /** 1-200 characters of `A-Z a-z 0-9 _ - = @ , . ; : ~`. */
            channel?: string;
            /** 1-200 bytes of UTF-8 without control characters. */
            client?: string;
            /** Where a stream was read up to; opaque but for the unix ms before the first `-`. */
            id?: string;
            edges?: number;
            repeated?: true;
            code?: Code;
            /** Why this one was refused. */
            message?: string;
            field?: string;
            retryAfterMs?: number;
          }[];
        }[];
      };
    };
  };
  /** Signs a token for a client (HS256, with the configured secret). */
  signToken: {
    body: {
      /** 1-200 bytes of UTF-8 without control characters. */
      clientId: string;
      ttlSeconds?: number | undefined;
      subscribe?: readonly string[] | undefined;
      publish?: readonly string[] | undefined;
      presence?: readonly string[] | undefined;
      /** Shown to other members of channels; at most 1024 bytes. */
      info?: unknown | undefined;
      /** 1-200 characters of `A-Z a-z 0-9 _ - = @ , . ; : ~`. */
      channel?: string | undefined;
    };
    answers: {
      201: {
        token: string;
        jti: string;
        /** Unix time, seconds. */
        expiresAt: number;
      };
    };
  };
  /** Revokes one token: no edge accepts it from now on, and its connections end. */
  revokeToken: {
    path: {
      /** The `jti` of a token. */
      jti: string;
    };
    answers: {
      200: {
        /** The `jti`. */
        revoked: string;
      };
    };
  };
  /** Lists the edges that are alive, with their load. */
  listEdges: {
    answers: {
      200: {
        edges: {
          edgeId: string;
          /** Address of the machine, for clients. */
          url: string;
          /** Address of the process: health and metrics. */
          adminUrl: string;
          /** Unix time, ms. */
          startedAt: number;
          version: string;
          draining: boolean;
          /** It gets more than it can deliver. */
          overloaded: boolean;
          /** Open connections by wire. */
          connections: Record<string, number>;
          channels: number;
          deliveredPerSecond: number;
          bytesPerSecond: number;
          backpressureBytes: number;
          loopDelayP99Ms: number;
          rssBytes: number;
          /** Share of one core. */
          cpu: number;
        }[];
      };
    };
  };
  /** Lists the last refusals and cuts of an edge, with their reasons. */
  listEdgeEvents: {
    path: {
      /** Id of an edge. */
      id: string;
    };
    answers: {
      200: {
        events: {
          /** Unix time, ms. */
          at: number;
          kind: 'refused' | 'cut';
          code: string;
          clientId?: string;
          connectionId?: string;
          channel?: string;
          detail: string;
        }[];
      };
    };
  };
  /** Sums over the edges, and the load of Redis. */
  readStats: {
    answers: {
      200: {
        edges: number;
        draining: number;
        /** Open connections by wire. */
        connections: Record<string, number>;
        connectionsTotal: number;
        deliveredPerSecond: number;
        bytesPerSecond: number;
        backpressureBytes: number;
        redis: {
          usedMemoryBytes: number;
          operationsPerSecond: number;
          connectedClients: number;
        };
      };
    };
  };
  /** The process runs. */
  readHealth: {
    answers: {
      200: {
        status: string;
      };
    };
  };
  /** Redis answers, and edges can be heard: calls can be served. */
  readReadiness: {
    answers: {
      200: {
        status: string;
      };
      503: {
        status: string;
      };
    };
  };
  /** This description. */
  readOpenApi: {
    answers: {
      200: {
        openapi: string;
      };
    };
  };
}
