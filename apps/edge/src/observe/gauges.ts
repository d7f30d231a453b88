import type { Edge } from '../core/edge.js';
import type { Overload } from '../core/overload.js';
import type { EdgeCounters } from './counters.js';

/** What is read at the scrape. */
export function registerGauges(edge: Edge, { metrics }: EdgeCounters, overload: Overload): void {
  const gauge = (name: string, help: string, read: () => number) =>
    metrics.gauge({
      name,
      help,
      collect() {
        this.set(read());
      },
    });
  gauge('halley_connections', 'Open connections', () => edge.sessions.size);
  gauge('halley_overloaded', '1 while this edge gets more than it can deliver', () =>
    overload.isOverloaded ? 1 : 0,
  );
  gauge('halley_clients', 'Named clients with a connection here', () => edge.clients.size);
  gauge('halley_channels', 'Channels that this edge is subscribed to', () => edge.channels.size);
}
