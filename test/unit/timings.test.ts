import { Metrics } from '@halley/shared/ops';
import { expect, it } from 'vitest';

it('times are counted in their bucket and in all above it, by labels', async () => {
  const metrics = new Metrics();
  const timings = metrics.timings({
    name: 'example_seconds',
    help: 'An example.',
    buckets: [0.1, 1],
  });
  const found = timings.series({ route: 'GET /a', status: 200 });
  const failed = timings.series({ route: 'GET /a', status: 503 });
  for (const seconds of [0.05, 0.1, 0.5, 7]) found.observe(seconds);
  failed.observe(1);
  expect(await metrics.expose()).toBe(
    [
      '# HELP example_seconds An example.',
      '# TYPE example_seconds histogram',
      'example_seconds_bucket{le="0.1",route="GET /a",status="200"} 2',
      'example_seconds_bucket{le="1",route="GET /a",status="200"} 3',
      'example_seconds_bucket{le="+Inf",route="GET /a",status="200"} 4',
      'example_seconds_sum{route="GET /a",status="200"} 7.65',
      'example_seconds_count{route="GET /a",status="200"} 4',
      'example_seconds_bucket{le="0.1",route="GET /a",status="503"} 0',
      'example_seconds_bucket{le="1",route="GET /a",status="503"} 1',
      'example_seconds_bucket{le="+Inf",route="GET /a",status="503"} 1',
      'example_seconds_sum{route="GET /a",status="503"} 1',
      'example_seconds_count{route="GET /a",status="503"} 1',
      '',
    ].join('\n'),
  );
});
