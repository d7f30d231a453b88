/** What tests of presence ask: Redis, the API, and the edges by their own word. */

import { clientKeys } from '@halley/shared/redis';
import { connect, type NativeClient } from './native-client.js';
import type { FleetUnderTest } from './use-fleet.js';

export interface ListedClient {
  readonly clientId: string;
  readonly online: boolean;
  readonly lastSeen: number | null;
}

export interface ClientState extends ListedClient {
  readonly edges: readonly string[];
  readonly connections: readonly Readonly<Record<string, unknown>>[];
  readonly unreachable: readonly string[];
}

/** The edges of a client as Redis has them, sorted. */
export async function presenceOf(stack: FleetUnderTest, clientId: string): Promise<string[]> {
  const list = await stack.redis.client.hget(clientKeys(clientId).presence, clientId);
  return list ? list.split(',').sort() : [];
}

/** What GET /clients says of these; undefined while the answer is a problem. */
export async function listed(
  stack: FleetUnderTest,
  ids: readonly string[],
): Promise<ListedClient[] | undefined> {
  const { body } = await stack.rest.get(`/clients?ids=${ids.map(encodeURIComponent).join(',')}`);
  return (body as { readonly clients?: ListedClient[] }).clients;
}

/** What GET /clients/:id says. */
export async function stateOf(stack: FleetUnderTest, clientId: string): Promise<ClientState> {
  const { body } = await stack.rest.get(`/clients/${encodeURIComponent(clientId)}`);
  return body as ClientState;
}

export async function edgeIdOf(client: NativeClient): Promise<string> {
  return (await client.welcomed()).edgeId;
}

/** The present id of an edge, by its own word. */
export async function idOfEdge(stack: FleetUnderTest, index: number): Promise<string> {
  const client = await connect(stack.ws(index));
  const edgeId = await edgeIdOf(client);
  await client.close();
  return edgeId;
}

/** The edges that GET /edges lists. */
export async function idsOfEdges(stack: FleetUnderTest): Promise<string[]> {
  const { body } = await stack.rest.get('/edges');
  return (body as { readonly edges: { readonly edgeId: string }[] }).edges.map(
    ({ edgeId }) => edgeId,
  );
}
