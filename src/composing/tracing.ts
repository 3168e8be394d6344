import type { Sample } from '../http/tracing.ts';
import type { Events } from '../observe/events.ts';
import type { SpanCounts } from '../observe/span-draft.ts';
import type { Clock } from '../shared/clock.ts';
import { readTracingVariables } from './otel-variables.ts';
import { outagesTold } from './outages.ts';

/** What tracing takes. */
export interface TracingContext {
  readonly env: NodeJS.ProcessEnv;
  readonly version: string;
  readonly clock: Clock;
  readonly events: Events;
}

/** Tracing as it runs. */
export interface Tracing {
  readonly sample: Sample;
  readonly counts: SpanCounts;
  /** Sends what waits, and ends; resolves after the exporter's own timeout at the latest. */
  close(): Promise<void>;
}

/** A collector that comes and goes is told once in so long. */
const QUIET_MS = 60_000;

/** Decides which traces are recorded, in a thread of which another one records the spans; undefined where none are. */
export async function samplingOf(env: NodeJS.ProcessEnv): Promise<Sample | undefined> {
  const { url, sampling } = readTracingVariables(env);
  if (url === undefined) return undefined;
  const { sampleBy } = await import('../observe/otel.ts');
  return sampleBy(sampling);
}

/** Records spans where OpenTelemetry's variables say where they go; undefined where they do not, and nothing of it is loaded. */
export async function openTracing(context: TracingContext): Promise<Tracing | undefined> {
  const { env, version, clock, events } = context;
  const { mistakes, url, ...settings } = readTracingVariables(env);
  for (const why of mistakes) events.emit({ kind: 'degraded', what: WHAT, why });
  if (url === undefined) return undefined;
  const { sampleBy, SpanExport } = await import('../observe/otel.ts');
  const tell = outagesTold({
    events,
    clock,
    what: WHAT,
    quietMs: QUIET_MS,
    over: 'the collector takes spans',
  });
  const spans = new SpanExport({
    url,
    ...settings,
    version,
    exported: (why) => tell(why === undefined ? undefined : `spans cannot be exported: ${why}`),
  });
  const deaf = events.listen(spans.take);
  return {
    sample: sampleBy(settings.sampling),
    counts: spans.counts,
    async close() {
      deaf();
      await spans.close();
    },
  };
}

const WHAT = 'tracing';
