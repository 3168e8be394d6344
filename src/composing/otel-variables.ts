import type { BatchLimits, Sampling } from '../observe/otel.ts';

/** Where spans go and which, as OpenTelemetry's environment variables say it. */
export interface TracingSettings {
  /** Of OTLP over HTTP, the whole URL; undefined where no spans are wanted, or they can go nowhere. */
  readonly url: string | undefined;
  readonly timeoutMs: number;
  readonly batches: BatchLimits;
  readonly sampling: Sampling;
  /** What of the variables is not as it should be, in words for an operator. */
  readonly mistakes: readonly string[];
}

/** Less than the specification's 10 s: a stop takes as long where there is no collector. */
const TIMEOUT_MS = 5_000;

/**
 * Reads the variables of OpenTelemetry's specification (configuration/sdk-environment-variables and protocol/exporter) that the SDK leaves
 * to its user. An empty one is as good as none; one that cannot be read is told, and is as good as none.
 */
export function readTracingVariables(env: NodeJS.ProcessEnv): TracingSettings {
  const mistakes: string[] = [];
  const said = (name: string) => env[name]?.trim() || undefined;
  const refuse: Refuse = (name, expected, shown = `${name} is ${JSON.stringify(said(name))}`) =>
    void mistakes.push(`${shown}: expected ${expected}`);
  const count = (name: string) => {
    const text = said(name);
    if (text === undefined) return undefined;
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    refuse(name, 'a whole number of at least 1');
    return undefined;
  };

  const isOff =
    said('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || said('OTEL_TRACES_EXPORTER') === 'none';
  const url = isOff ? undefined : readUrl(said, refuse);
  if (url === undefined) {
    return { url, timeoutMs: TIMEOUT_MS, batches: NO_LIMITS, sampling: ALL, mistakes };
  }
  const exporter = said('OTEL_TRACES_EXPORTER');
  if (exporter !== undefined && exporter !== 'otlp') refuse('OTEL_TRACES_EXPORTER', 'otlp or none');
  const protocol = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'].find(said);
  if (protocol !== undefined && said(protocol) !== 'http/protobuf') refuse(protocol, 'http/protobuf');
  return {
    url,
    timeoutMs:
      count('OTEL_EXPORTER_OTLP_TRACES_TIMEOUT') ?? count('OTEL_EXPORTER_OTLP_TIMEOUT') ?? TIMEOUT_MS,
    batches: {
      delayMs: count('OTEL_BSP_SCHEDULE_DELAY'),
      maxQueue: count('OTEL_BSP_MAX_QUEUE_SIZE'),
      maxBatch: count('OTEL_BSP_MAX_EXPORT_BATCH_SIZE'),
    },
    sampling: readSampling(said, refuse),
    mistakes,
  };
}

const NO_LIMITS: BatchLimits = { delayMs: undefined, maxQueue: undefined, maxBatch: undefined };
const ALL: Sampling = { share: 1, follows: true };

type Said = (name: string) => string | undefined;
type Refuse = (name: string, expected: string, shown?: string) => void;

/** URLs are not shown: they may hold credentials. `…_TRACES_ENDPOINT` is the whole URL; to the other one the path is added. */
function readUrl(said: Said, refuse: Refuse): string | undefined {
  for (const [name, path] of ENDPOINTS) {
    const text = said(name);
    if (text === undefined) continue;
    if (/^https?:\/\/[^\s\\@?#]+$/i.test(text) && URL.canParse(text)) {
      return path === '' ? text : `${text.replace(/\/+$/, '')}${path}`;
    }
    refuse(name, URL_EXPECTED, `${name} is none that spans can be sent to`);
    return undefined;
  }
  return undefined;
}

const URL_EXPECTED =
  'a URL with http:// or https://, without query, fragment and credentials, such as http://127.0.0.1:4318';

const ENDPOINTS = [
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', ''],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', '/v1/traces'],
] as const;

function readSampling(said: Said, refuse: Refuse): Sampling {
  const name = said('OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on';
  const [, based, kind] = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(name) ?? [];
  const follows = based !== undefined;
  switch (kind) {
    case 'always_on':
      return { share: 1, follows };
    case 'always_off':
      return { share: 0, follows };
    case 'traceidratio': {
      const share = Number(said('OTEL_TRACES_SAMPLER_ARG') ?? 1);
      if (share >= 0 && share <= 1) return { share, follows };
      refuse('OTEL_TRACES_SAMPLER_ARG', 'a number from 0 to 1');
      return { share: 1, follows };
    }
    default:
      refuse(
        'OTEL_TRACES_SAMPLER',
        'always_on, always_off or traceidratio, or one of them after parentbased_',
      );
      return ALL;
  }
}
