import type { Metrics } from '../observe/metrics.ts';
import type { Monitor } from '../observe/monitor.ts';
import { MOST_MINUTES } from '../observe/series.ts';
import { type ControlCall, controlCall } from './call.ts';
import { countIn, queryFields } from './fields.ts';
import { cacheJson, efficiencyJson, levelsJson, seriesJson } from './monitoring-json.ts';

/** What monitoring is told from. */
export interface MonitoringContext {
  readonly monitor: Monitor;
  readonly metrics: Metrics;
  /** The word of `/health/ready`. */
  readonly status: () => string;
}

/** The calls that tell how the cache does, to people and to Prometheus. */
export function monitoringCalls({ monitor, metrics, status }: MonitoringContext): readonly ControlCall[] {
  return [
    controlCall('admin', '/monitoring/cache', { GET: () => Response.json(cacheJson(monitor, status())) }),
    controlCall('admin', '/monitoring/cache/levels', { GET: () => Response.json(levelsJson(monitor)) }),
    controlCall('admin', '/monitoring/cache/efficiency', {
      GET: () => Response.json(efficiencyJson(monitor)),
    }),
    controlCall('admin', '/monitoring/cache/series', {
      GET(ask) {
        const fields = queryFields(ask, ['minutes']);
        return Response.json(seriesJson(monitor, countIn(fields, 'minutes', 60, MOST_MINUTES)));
      },
    }),
    controlCall('admin', '/metrics', {
      async GET() {
        const { text, type } = await metrics.scrape();
        return new Response(text, { headers: { 'content-type': type } });
      },
    }),
  ];
}
