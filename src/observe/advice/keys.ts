import { MOST_TOLD, type NearMissLine } from '../near-misses.ts';
import type { Noise } from '../noise.ts';
import { type Adviser, counted, percent, rounded } from './finding.ts';

/** Near misses, and compared ones, below which nothing is said; and the share of these. */
const FEWEST = 20;
const FEWEST_COMPARED = 50;
const SHARE = 0.05;

/** Requests that missed only because something in them is different each time that has nothing to do with the answer. */
export const noisyKeys: Adviser = ({ nearMisses }) =>
  [...nearMisses.lines].flatMap((line) => {
    const { type, path, kind, misses, values } = line;
    const compared = nearMisses.compared.get(type) ?? 0;
    const share = misses / compared;
    if (misses < FEWEST || compared < FEWEST_COMPARED || share < SHARE || !isLikelyNoise(line)) return [];
    return [
      {
        id: 'noisy-keys',
        severity: share >= 0.2 ? ('warning' as const) : ('info' as const),
        type,
        evidence: {
          field: path,
          noise: kind,
          misses_compared: Math.round(compared),
          near_misses: Math.round(misses),
          share: rounded(share),
          [values.size < MOST_TOLD ? 'different_values' : 'different_values_at_least']: values.size,
        },
        recommendation: `${percent(share)} of ${counted(compared)} misses of ${type} differ from what is stored only in ${named(line)}: ${remedy(line)}.`,
      },
    ];
  });

/** Different values, and questions around them, that it takes. */
const FEW = 5;
const MANY = 20;
const QUESTIONS = 10;

/**
 * Whether what differs is none of the question. What looks like noise is taken for it, and so is what stands beside the question and
 * is called like noise, or has very many values. On a route nobody knows which of its fields are the question: there a field has to
 * be called or look like noise, and to vary with many different questions.
 */
function isLikelyNoise({ isRoute, path, kind, values, questions }: NearMissLine): boolean {
  const isCalledSo = values.size >= FEW && wordsOf(path).some((word) => NOISE.has(word));
  if (isRoute) return questions.size >= QUESTIONS && (kind !== 'value' || isCalledSo);
  return kind !== 'value' || isCalledSo || values.size >= MANY;
}

/** What fields are called, in part at least, that say who asks, when, and which of many requests this is. */
const NOISE: ReadonlySet<string> = new Set(
  'user,username,userid,session,sessionid,sid,visitor,device,client,customer,request,requestid,req,trace,span,correlation,conversation,thread,run,nonce,salt,random,rand,seed,uuid,guid,time,timestamp,ts,date,now,cachebuster,cb,_'.split(
    ',',
  ),
);

/** The words of the last name in a path: `client`, `session` and `id` of `extra.clientSession_id`. */
function wordsOf(path: string): readonly string[] {
  const name = path.split(/[.:]/).at(-1) ?? '';
  if (name === '_') return [name];
  return name.split(/[^A-Za-z]+|(?<=[a-z])(?=[A-Z])/).map((word) => word.toLowerCase());
}

/** What differs, in words. */
function named({ path, kind }: NearMissLine): string {
  const [what, name] = path.split(':', 2);
  const place = name === undefined ? path : what === 'query' ? `the query’s ${name}` : `the header ${name}`;
  return kind === 'value' ? place : `${NAMES[kind]} in ${place}`;
}

const NAMES: Readonly<Record<Noise, string>> = {
  timestamp: 'the time',
  date: 'the date',
  uuid: 'a UUID',
  identifier: 'an identifier',
};

/** What to do about it. */
function remedy({ isRoute, path, kind }: NearMissLine): string {
  const [what, name] = path.split(':', 2);
  if (name !== undefined && what === 'query') {
    return isRoute
      ? `list in routes[].key.query the parameters that shape the answer, without ${name}`
      : 'leave it out';
  }
  if (name !== undefined) {
    return isRoute
      ? `take ${name} out of routes[].key.headers`
      : 'do not send it; with upstreams.NAME.dialect: openai only headers that OpenAI documents are part of the key';
  }
  if (isRoute) return 'list in routes[].key.body the fields that shape the answer, without it';
  if (kind === 'value') {
    return 'leave it out, or send it as user or in metadata, which are no part of the key of an LLM call';
  }
  return kind === 'timestamp' || kind === 'date'
    ? 'leave it out where the answer does not depend on it, or say it no finer than it matters (the day, not the second), or have the model ask for it with a tool'
    : 'leave it out where the answer does not depend on it';
}
