import type { Event } from '../observe/events.ts';
import type { FetchWork } from './fetch-work.ts';
import { questionOf } from './question.ts';
import { costOf } from './served.ts';
import type { Settled } from './settled.ts';
import type { CallEnd } from './tracing.ts';

/** How an upstream call went, as those who watch are told. */
export function fetched(
  work: FetchWork,
  settled: Settled,
  took: { readonly status: number | undefined; readonly ms: number; readonly headMs: number | undefined },
): Event {
  const kept = settled.kind === 'entries' && settled.stored;
  return {
    kind: 'fetched',
    type: work.plan.type,
    upstream: work.upstream.name,
    outcome: outcomeOf(settled),
    reason: reasonOf(settled),
    entries: kept ? settled.entries : [],
    question: () => questionOf(work),
    ...took,
  };
}

/** How its call ended, as traces are told. */
export function callEnd(settled: Settled, status: number | undefined): CallEnd {
  if (settled.kind === 'failed') return { status, error: settled.error.code };
  if (settled.kind === 'answer') return { status };
  const { entries } = settled;
  const all = { entries: () => entries, isOwn: () => true, ownMs: () => undefined };
  const { usage } = costOf(all, [...entries.keys()]);
  const finish = entries[0]?.payload.facts.finish;
  return { status, usage, finish: typeof finish === 'string' ? finish.split(',') : [] };
}

function outcomeOf(settled: Settled): 'stored' | 'unstored' | 'failed' | 'abandoned' {
  if (settled.kind === 'failed') return settled.abandoned === true ? 'abandoned' : 'failed';
  return settled.kind === 'entries' && settled.stored ? 'stored' : 'unstored';
}

/** Why an answer was not stored, or what it failed with; undefined for one that was, or that would have had no life. */
function reasonOf(settled: Settled): string | undefined {
  switch (settled.kind) {
    case 'entries':
      return settled.refused;
    case 'answer':
      return settled.reason;
    case 'failed':
      return settled.error.code;
  }
}
