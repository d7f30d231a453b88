/** The whole table of calls. */

import type { Services } from '../control/services.js';
import { openApi } from '../http/openapi.js';
import type { Route } from '../http/route.js';
import { batchRoutes } from './batch.js';
import { channelMessageRoutes } from './channel-messages.js';
import { channelRoutes } from './channels.js';
import { clientControlRoutes } from './client-control.js';
import { clientMessageRoutes } from './client-messages.js';
import { clientRoutes } from './clients.js';
import { edgeRoutes } from './edges.js';
import { memberRoutes } from './members.js';
import { operationRoutes } from './operations.js';
import { tokenRoutes } from './tokens.js';

/** @param version of the API, as /openapi.json shows it */
export function allRoutes(services: Services, version: string): Route[] {
  const routes: Route[] = [
    ...channelMessageRoutes(services),
    ...channelRoutes(services),
    ...memberRoutes(services),
    ...clientMessageRoutes(services),
    ...clientRoutes(services),
    ...clientControlRoutes(services),
    ...batchRoutes(services),
    ...tokenRoutes(services),
    ...edgeRoutes(services),
  ];
  let description: object | null = null;
  const describe = () => {
    description ??= openApi(routes, version);
    return description;
  };
  routes.push(...operationRoutes(services, describe));
  return routes;
}
