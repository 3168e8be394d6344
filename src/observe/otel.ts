import {
  type Attributes,
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  type IdGenerator,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Event, Span } from './events.ts';
import { clientSpan, type SpanCounts, type SpanDraft, serverSpan } from './span-draft.ts';

/** What spans are exported with. */
export interface SpanExportOptions {
  /** Where to: of OTLP over HTTP, the whole URL. The exporter itself reads `OTEL_EXPORTER_OTLP_HEADERS` and the like. */
  readonly url: string;
  /** Milliseconds for one batch, with its retries. */
  readonly timeoutMs: number;
  readonly batches: BatchLimits;
  readonly version: string;
  /** Told of each batch, whether it arrived or why not. */
  readonly exported: (why: string | undefined) => void;
}

/** Which traces are recorded: all, none, or a share of them; `follows`: of those that come with a decision that one counts. */
export interface Sampling {
  /** From 0 to 1. */
  readonly share: number;
  readonly follows: boolean;
}

/** How spans are gathered; what is absent is as in the SDK. */
export interface BatchLimits {
  readonly delayMs: number | undefined;
  readonly maxQueue: number | undefined;
  readonly maxBatch: number | undefined;
}

const MAX_QUEUE = 2_048;
/** Characters of an attribute: names of models and paths come from outside. */
const LONGEST_VALUE = 1_024;

/**
 * Records spans with OpenTelemetry's SDK, from events alone: who is traced has given its spans ids and told them on long before. This file is
 * all that knows OpenTelemetry, and is only loaded where spans are exported.
 */
export class SpanExport {
  readonly counts: SpanCounts = { exported: 0, failed: 0, dropped: 0 };
  readonly #options: SpanExportOptions;
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #ids = new GivenIds();
  readonly #maxQueue: number;
  /** Spans that wait to be handed to the exporter. */
  #waiting = 0;

  constructor(options: SpanExportOptions) {
    const { url, timeoutMs, batches, version } = options;
    this.#options = options;
    this.#maxQueue = batches.maxQueue ?? MAX_QUEUE;
    const named = resourceFromAttributes({ 'service.name': 'reprise', 'service.version': version });
    const said = detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] });
    this.#provider = new TracerProvider({
      resource: defaultResource().merge(named).merge(said),
      // Whether a trace is recorded has been decided when it came.
      sampler: new AlwaysOnSampler(),
      idGenerator: this.#ids,
      spanLimits: { attributeValueLengthLimit: LONGEST_VALUE },
      spanProcessors: [
        new BatchSpanProcessor({
          exporter: this.#counting(new OTLPTraceExporter({ url, timeoutMillis: timeoutMs })),
          maxQueueSize: this.#maxQueue,
          // No larger than the queue.
          maxExportBatchSize: Math.min(batches.maxBatch ?? 512, this.#maxQueue),
          ...(batches.delayMs !== undefined && { scheduledDelayMillis: batches.delayMs }),
          exportTimeoutMillis: 2 * timeoutMs,
        }),
      ],
    });
    this.#tracer = this.#provider.getTracer('reprise', version);
  }

  /** Records what events tell of spans. */
  readonly take = (event: Event): void => {
    if (event.kind === 'called') this.#record(clientSpan(event));
    else if (event.kind === 'answered' && event.traced !== undefined)
      this.#record(serverSpan(event, event.traced));
  };

  /** Sends what waits, and ends; resolves when it has arrived or was given up. */
  async close(): Promise<void> {
    // What did not arrive has been counted and told.
    await this.#provider.shutdown().catch(() => undefined);
  }

  #record({ span, kind, name, attributes, isError, links, at, ms }: SpanDraft): void {
    if ((span.flags & TraceFlags.SAMPLED) === 0) return;
    if (this.#waiting >= this.#maxQueue) {
      this.counts.dropped += 1;
      return;
    }
    this.#waiting += 1;
    this.#ids.next = span;
    const recorded = this.#tracer.startSpan(
      name,
      {
        kind: kind === 'server' ? SpanKind.SERVER : SpanKind.CLIENT,
        startTime: at - ms,
        attributes: known(attributes),
        links: links.map((link) => ({ context: contextOf(link, false), attributes: JOINED })),
      },
      // The parent of a request's span is its caller's.
      below(span.parent === undefined ? undefined : { ...span, id: span.parent }, kind === 'server'),
    );
    if (isError) recorded.setStatus({ code: SpanStatusCode.ERROR });
    recorded.end(at);
  }

  /** `exporter`, whose outcomes are counted and told. */
  #counting(exporter: SpanExporter): SpanExporter {
    return {
      export: (spans: ReadableSpan[], done) => {
        this.#waiting -= spans.length;
        exporter.export(spans, (result) => {
          const failed = result.code !== 0;
          this.counts[failed ? 'failed' : 'exported'] += spans.length;
          this.#options.exported(failed ? (result.error?.message ?? 'no reason is given') : undefined);
          done(result);
        });
      },
      shutdown: () => exporter.shutdown(),
    };
  }
}

/** Decides whether a trace is recorded, of which `parent` is its caller's span. */
export function sampleBy(
  sampling: Sampling,
): (traceId: string, parent: { readonly id: string; readonly flags: number } | undefined) => boolean {
  const sampler = samplerOf(sampling);
  return (traceId, parent) => {
    const context = below(parent && { ...parent, traceId }, true);
    const { decision } = sampler.shouldSample(context, traceId, '', SpanKind.SERVER, {}, []);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  };
}

/** A share is decided by the trace id, as every service does that samples so. */
function samplerOf({ share, follows }: Sampling): Sampler {
  const root =
    share === 1
      ? new AlwaysOnSampler()
      : share === 0
        ? new AlwaysOffSampler()
        : new TraceIdRatioBasedSampler(share);
  return follows ? new ParentBasedSampler({ root }) : root;
}

/** Ids that were given before: a span has them from when it began. */
class GivenIds implements IdGenerator {
  next: Pick<Span, 'traceId' | 'id'> = { traceId: '', id: '' };

  generateTraceId(): string {
    return this.next.traceId;
  }

  generateSpanId(): string {
    return this.next.id;
  }
}

const JOINED: Attributes = { 'reprise.link': 'joined' };

/** What of a span others have to know. */
type Named = Pick<Span, 'traceId' | 'id' | 'flags'> & Partial<Pick<Span, 'state'>>;

function below(parent: Named | undefined, isRemote: boolean): Context {
  return parent === undefined
    ? ROOT_CONTEXT
    : trace.setSpanContext(ROOT_CONTEXT, contextOf(parent, isRemote));
}

function contextOf({ traceId, id, flags, state }: Named, isRemote: boolean): SpanContext {
  return {
    traceId,
    spanId: id,
    traceFlags: flags & TraceFlags.SAMPLED,
    isRemote,
    ...(state !== undefined && { traceState: createTraceState(state) }),
  };
}

/** Attributes without those that are not known. */
function known(attributes: SpanDraft['attributes']): Attributes {
  const said: Attributes = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) said[name] = typeof value === 'object' ? [...value] : value;
  }
  return said;
}
