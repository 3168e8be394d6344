import { DIALECTS, type Dialect } from './dialect.ts';
import type { Node, ObjectNode } from './json.ts';

/** What is known of one field; a field that is in no table is content and kept as it is. */
export interface Field {
  /** The dialects that have this field; elsewhere it is an unknown one. All, if not said. */
  readonly known?: readonly Dialect[];
  /** Transport or bookkeeping: a value of these kinds never shapes the answer. One of another kind is an error and kept. */
  readonly dropped?: readonly ValueKind[];
  /** Values that equal the field's absence. */
  readonly absent?: readonly Absence[];
  /** How its value is written; sorted, with everything kept, if not said. */
  readonly shape?: Shape;
}

/** What kind of JSON value. */
export type ValueKind = Exclude<Node['kind'], 'literal'> | 'boolean' | 'null';

/** A value, as canonical JSON, that equals a field's absence in some dialects. */
export interface Absence {
  readonly value: string;
  readonly dialects: readonly Dialect[];
  /** Asked of the object that has the field; always, if not said. */
  readonly when?: (owner: ObjectNode) => boolean;
}

/**
 * How a value is written where it is not simply sorted:
 * `object` has fields of its own; `items` an array of such; `set` an array whose order and repeats mean nothing; `list` an
 * array that may be given as its only item; `schema` a JSON Schema, in whose order of names the model answers.
 */
export type Shape =
  | { readonly kind: 'object'; readonly fields: Fields }
  | { readonly kind: 'items'; readonly of: Shape }
  | { readonly kind: 'set' | 'list' | 'schema' };

/** Fields by their names. */
export type Fields = ReadonlyMap<string, Field>;

/** A table as it is written down. */
export type Table = Readonly<Record<string, Field>>;

/** The tables as one; a later row replaces an earlier one of its name. */
export function fields(...tables: readonly Table[]): Fields {
  return new Map(tables.flatMap((table) => Object.entries(table)));
}

/** The shape of an object with these fields. */
export function object(table: Table): Shape {
  return { kind: 'object', fields: fields(table) };
}

/** The shape of an array of such values. */
export function items(of: Shape): Shape {
  return { kind: 'items', of };
}

/** One {@link Absence}. */
export function absent(
  value: string,
  dialects: readonly Dialect[] = DIALECTS,
  when?: (owner: ObjectNode) => boolean,
): Absence {
  return when === undefined ? { value, dialects } : { value, dialects, when };
}

/** OpenAI itself and its twin. */
export const OPENAI: readonly Dialect[] = ['openai', 'azure'];

/**
 * Where null equals absence even for a field whose default is another value. vLLM keeps such a null, as `None`, and a
 * generic server may be vLLM.
 */
export const NULL_IS_DEFAULT: readonly Dialect[] = [...OPENAI, 'ollama', 'llamacpp'];

/** Null equals absence everywhere. */
export const NULL: Absence = absent('null');

/** A field of content that may be null. */
export const NULLABLE: Field = { absent: [NULL] };

/** A field that holds a JSON Schema. */
export const SCHEMA: Field = { shape: { kind: 'schema' } };

/** The shape of a set. */
export const SET: Shape = { kind: 'set' };

/** The shape of a list that may be given as its only item. */
export const LIST: Shape = { kind: 'list' };

/** Whether the answer is streamed: one entry serves both. */
export const STREAM: Field = { dropped: ['boolean'], absent: [NULL] };

/** Random padding of a stream's events. */
export const OBFUSCATION: Table = { include_obfuscation: { dropped: ['boolean'] } };

/** An end user's name. Not nullable in OpenAI's API: what an upstream may refuse must not find an answer. */
export const USER: Field = { dropped: ['string'] };

/** OpenAI's bookkeeping, on chat and responses. */
export const ACCOUNTING: Table = {
  user: USER,
  store: { dropped: ['boolean'], absent: [NULL] },
  metadata: { dropped: ['object'], absent: [NULL] },
  safety_identifier: { dropped: ['string'], absent: [NULL] },
  prompt_cache_key: { dropped: ['string'], absent: [NULL] },
  prompt_cache_retention: { dropped: ['string'], absent: [NULL] },
  prompt_cache_options: { dropped: ['object'] },
  service_tier: { dropped: ['string'], absent: [NULL] },
};

/** vLLM's bookkeeping. Its `cache_salt` says who may share an answer and is not here: it stays in the key. */
export const VLLM_ACCOUNTING: Table = {
  priority: { known: ['vllm'], dropped: ['number'] },
  request_id: { known: ['vllm'], dropped: ['string'] },
};

/**
 * Fields that servers add to what generates text. Their schemas are known in every dialect, since a generic server may be
 * any of them.
 */
export const EXTENSIONS: Table = {
  ...VLLM_ACCOUNTING,
  stop_token_ids: { known: ['vllm'], shape: SET },
  allowed_token_ids: { known: ['vllm'], shape: SET },
  structured_outputs: { shape: object({ json: SCHEMA }) },
  guided_json: SCHEMA,
  json_schema: SCHEMA,
  // Where Dynamo and clients of the Python SDK put vLLM's.
  nvext: { shape: object({ guided_json: SCHEMA }) },
  extra_body: { shape: object({ guided_json: SCHEMA }) },
  cache_prompt: { known: ['llamacpp'], dropped: ['boolean'] },
  id_slot: { known: ['llamacpp'], dropped: ['number'] },
  timings_per_token: { known: ['llamacpp'], dropped: ['boolean'] },
  reasoning_control: { known: ['llamacpp'], dropped: ['boolean'] },
  keep_alive: { known: ['ollama'], dropped: ['string', 'number'] },
};
