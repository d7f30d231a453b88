/** Health, metrics and the description of the API: for probes and tools, without a key. */

import type { Services } from '../control/services.js';
import { type Route, reply, replyText, route } from '../http/route.js';
import Type from '../http/typebox.js';

const Status = Type.Object({ status: Type.String() });

export function operationRoutes(services: Services, describe: () => object): Route[] {
  return [healthRoute(), readyRoute(services), metricsRoute(services), describeRoute(describe)];
}

function healthRoute(): Route {
  return route({
    method: 'GET',
    path: '/healthz',
    operationId: 'readHealth',
    summary: 'The process runs.',
    role: 'public',
    params: {},
    query: {},
    answers: { 200: Status },
    refusals: [],
    handle: () => reply(200, { status: 'ok' }),
  });
}

function readyRoute({ redis, edges }: Services): Route {
  return route({
    method: 'GET',
    path: '/readyz',
    operationId: 'readReadiness',
    summary: 'Redis answers, and edges can be heard: calls can be served.',
    role: 'public',
    params: {},
    query: {},
    answers: { 200: Status, 503: Status },
    refusals: [],
    async handle() {
      if (!edges.isReady) return reply(503, { status: 'subscriber is away' });
      const answers = await redis.ping().then(
        () => true,
        () => false,
      );
      return answers ? reply(200, { status: 'ready' }) : reply(503, { status: 'redis is away' });
    },
  });
}

function metricsRoute({ metrics }: Services): Route {
  return route({
    method: 'GET',
    path: '/metrics',
    operationId: 'readMetrics',
    summary: 'Metrics of this process for Prometheus.',
    role: 'public',
    params: {},
    query: {},
    answers: { 200: Type.String() },
    contentType: metrics.contentType,
    refusals: [],
    handle: async () => replyText(200, await metrics.expose()),
  });
}

function describeRoute(describe: () => object): Route {
  let text: string | null = null;
  return route({
    method: 'GET',
    path: '/openapi.json',
    operationId: 'readOpenApi',
    summary: 'This description.',
    role: 'public',
    params: {},
    query: {},
    answers: { 200: Type.Object({ openapi: Type.String() }) },
    refusals: [],
    handle() {
      // Anybody may ask, and making it takes a millisecond.
      text ??= JSON.stringify(describe());
      return replyText(200, text);
    },
  });
}
