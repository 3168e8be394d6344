import type { Event } from './events.ts';

/** A message of the live feed: its name, and what it says as JSON. */
export interface LiveMessage {
  readonly event: 'request' | 'invalidation' | 'delivery' | 'degraded' | 'recovered' | 'alert';
  readonly data: Readonly<Record<string, unknown>>;
}

/** What the live feed says of an event; undefined for what it does not tell. `at` is the moment, in ISO 8601. */
export function liveMessage(event: Event, at: string): LiveMessage | undefined {
  switch (event.kind) {
    case 'answered':
      return {
        event: 'request',
        data: {
          at,
          endpoint: event.endpoint,
          type: event.type ?? null,
          model: event.model ?? null,
          namespace: event.namespace === undefined ? null : event.namespace || 'default',
          method: event.method,
          status: event.status,
          outcome: event.outcome,
          reason: event.reason ?? null,
          level: event.level ?? null,
          key: event.key ?? null,
          parts: event.parts ?? null,
          ms: Math.round(event.ms * 100) / 100,
          prompt_tokens: event.usage?.promptTokens ?? null,
          completion_tokens: event.usage?.completionTokens ?? null,
          request_id: event.requestId,
        },
      };
    case 'invalidated': {
      const { id, by, mode, dryRun, matched, tags } = event;
      return { event: 'invalidation', data: { at, id, by, mode, dry_run: dryRun, matched, tags } };
    }
    case 'delivery': {
      const { webhook, event: name, outcome, invalidated, why } = event;
      const data = { at, webhook, event: name ?? null, outcome, invalidated, why: why ?? null };
      return { event: 'delivery', data };
    }
    case 'degraded':
    case 'recovered':
      return { event: event.kind, data: { at, what: event.what, why: event.why } };
    case 'alert': {
      const { id, severity, state, message } = event;
      return { event: 'alert', data: { at, id, severity, state, message } };
    }
    default:
      return undefined;
  }
}
