/** Every port that Halley listens on, how it is attacked, and who must still be served there. */

import { DpsPort } from '../kit/dps-client.js';
import {
  type EdgeProcess,
  type Fleet,
  type Service,
  StartError,
  startFleet,
} from '../kit/fleet.js';
import { connectApp, lineFrame } from '../kit/megacomet-app.js';
import { requestOf } from '../kit/megacomet-client.js';
import { connect, type NativeClient } from '../kit/native-client.js';
import { freePort } from '../kit/ports.js';
import { RawHttp } from '../kit/raw-http.js';
import { type PrivateRedis, startPrivateRedis } from '../kit/redis.js';
import { RestClient } from '../kit/rest.js';
import {
  ADMIN_REQUESTS,
  apiRequests,
  DPS_REQUESTS,
  EDGE_REQUESTS,
  MEGACOMET_REQUESTS,
  managerAttack,
  requestAttack,
  socketAttack,
} from './attacks.js';
import type { AttackedPort } from './corpus.js';

const CHANNEL = 'demo:good';
const CLIENT = 'good';
/** The attackers have the other key: limits of one key must not meet the good client. */
const GOOD_KEY = 'good-key';
const OTHER_KEY = 'other-key';
const START_ATTEMPTS = 5;

export interface Target {
  readonly edge: EdgeProcess;
  readonly api: Service;
  readonly ports: readonly AttackedPort[];
  stop(): Promise<void>;
}

/** An edge and an api with all of their ports open, and a good client at each of them. */
export async function startTarget(): Promise<Target> {
  const redis = await startPrivateRedis();
  try {
    const { fleet, doors } = await startDoors(redis.url);
    return await withGoodClients(fleet, redis, doors);
  } catch (error) {
    await redis.stop();
    throw error;
  }
}

interface DoorPorts {
  readonly dps: number;
  readonly megacomet: number;
  readonly manager: number;
}

/** These ports cannot be 0, which is off: one that was lost to somebody else is drawn anew. */
async function startDoors(redisUrl: string): Promise<{ fleet: Fleet; doors: DoorPorts }> {
  for (let attempt = 1; ; attempt += 1) {
    const [dps, megacomet, manager] = [await freePort(), await freePort(), await freePort()];
    try {
      const fleet = await startFleet({
        redisUrl,
        env: {
          HALLEY_API_KEYS: `good:${GOOD_KEY}:admin,other:${OTHER_KEY}:admin`,
          HALLEY_ICOMET: '1',
        },
        edgeEnv: { HALLEY_DPS_PORT: String(dps), HALLEY_MEGACOMET_PORT: String(megacomet) },
        apiEnv: { HALLEY_MEGACOMET_MANAGER_PORT: String(manager) },
      });
      return { fleet, doors: { dps, megacomet, manager } };
    } catch (error) {
      const isTaken = error instanceof StartError && error.line.includes('taken');
      if (attempt === START_ATTEMPTS || !isTaken) throw error;
    }
  }
}

async function withGoodClients(
  fleet: Fleet,
  redis: PrivateRedis,
  doors: DoorPorts,
): Promise<Target> {
  const edge = fleet.edge();
  const api = fleet.api();
  const rest = new RestClient(api.url, { key: GOOD_KEY });
  const good = await connect(edge.wsUrl, { client: CLIENT });
  await good.subscribe(CHANNEL);
  const description = (await rest.get('/openapi.json')).body;
  return {
    edge,
    api,
    ports: [
      ...edgePorts(edge, rest, good, doors),
      ...apiPorts(api, rest, good, doors, description),
    ],
    async stop() {
      await good.close().catch(() => undefined);
      await rest.close();
      await fleet.stop().finally(() => redis.stop());
    },
  };
}

function edgePorts(
  edge: EdgeProcess,
  rest: RestClient,
  good: NativeClient,
  { dps, megacomet }: DoorPorts,
): AttackedPort[] {
  const service = () => edge;
  const isGood = () => hears(good, rest);
  const shared = { service, port: () => edge.port, isGood };
  const isDpsGood = () => polls(dps, rest);
  return [
    { ...shared, name: 'edge, HTTP', attack: requestAttack(EDGE_REQUESTS) },
    {
      ...shared,
      name: 'edge, WebSocket',
      attack: socketAttack('/v1/ws?client=ann&queueAfter=0-0'),
    },
    {
      ...shared,
      name: 'edge, WebSocket of DPS',
      attack: socketAttack('/dps/poll?channels=demo:a'),
    },
    {
      name: 'edge, admin',
      service,
      port: () => Number(new URL(edge.adminUrl).port),
      attack: requestAttack(ADMIN_REQUESTS),
      isGood: () => isReady(Number(new URL(edge.adminUrl).port)),
    },
    {
      name: 'DPS',
      service,
      port: () => dps,
      attack: requestAttack(DPS_REQUESTS),
      isGood: isDpsGood,
    },
    {
      name: 'MegaComet',
      service,
      port: () => megacomet,
      attack: requestAttack(MEGACOMET_REQUESTS),
      isGood: () => asks(megacomet, rest),
    },
  ];
}

function apiPorts(
  api: Service,
  rest: RestClient,
  good: NativeClient,
  { manager }: DoorPorts,
  description: unknown,
): AttackedPort[] {
  const service = () => api;
  return [
    {
      name: 'api',
      service,
      port: () => api.port,
      attack: requestAttack(apiRequests(description, OTHER_KEY)),
      isGood: () => hears(good, rest),
    },
    {
      name: 'MegaComet manager',
      service,
      port: () => manager,
      attack: managerAttack,
      isGood: () => isToldByApp(good, manager),
    },
  ];
}

let lastNumber = 0;

function nextData(): string {
  lastNumber += 1;
  return `number ${lastNumber}`;
}

async function hears(good: NativeClient, rest: RestClient): Promise<void> {
  const data = nextData();
  const { status, text } = await rest.publish(CHANNEL, data);
  if (status !== 201) throw new Error(`the publish was answered by ${status}: ${text}`);
  await good.next('message', (frame) => frame.data === data);
}

async function polls(port: number, rest: RestClient): Promise<void> {
  const data = nextData();
  await rest.publish(CHANNEL, data);
  const batch = await new DpsPort(port, '').batch({ channels: CHANNEL, session: data });
  if (!batch.messages.includes(data)) throw new Error(`${JSON.stringify(batch)} has no ${data}`);
}

async function asks(port: number, rest: RestClient): Promise<void> {
  const raw = await RawHttp.open(port);
  try {
    const name = `reader ${nextData()}`.replaceAll(' ', '-');
    raw.send(requestOf(`/${name}.js`));
    await rest.publishPrivate(name, 'for you');
    const { body } = await raw.answer();
    if (body !== 'for you') throw new Error(`the poll was answered by ${body}`);
  } finally {
    raw.close();
  }
}

async function isReady(port: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
  if (!answer.ok) throw new Error(`/readyz says ${answer.status}`);
  await answer.text();
}

async function isToldByApp(good: NativeClient, port: number): Promise<void> {
  const app = await connectApp(port);
  const message = nextData();
  app.send(lineFrame({ id: CLIENT, message }));
  await good.next('private', (frame) => frame.data === message);
  await app.end();
}
