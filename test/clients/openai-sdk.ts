import V7 from 'openai';
import V4 from 'openai-v4';
import V5 from 'openai-v5';
import V6 from 'openai-v6';

/** One major of the `openai` package. */
export interface Sdk {
  readonly name: string;
  /** The package's classes of errors. */
  readonly errors: Readonly<Record<ErrorName, abstract new (...args: never[]) => Error>>;
  connect(baseURL: string, options?: { readonly maxRetries?: number }): Client;
}

type ErrorName =
  | 'APIConnectionError'
  | 'AuthenticationError'
  | 'BadRequestError'
  | 'InternalServerError'
  | 'RateLimitError';

/** What all majors have in common, as plain types: theirs cannot stand for each other. */
export interface Client {
  readonly api: {
    readonly chat: { readonly completions: Creating };
    readonly completions: Creating;
    readonly responses: Creating & {
      parse(body: object): Promised<object>;
      stream(body: object): ResponseStream;
    };
    readonly embeddings: { create(body: object): Promised<{ readonly data: { embedding: number[] }[] }> };
    readonly moderations: { create(body: object): Promised<object> };
    readonly models: { list(): Paged; retrieve(model: string): Promised<object> };
    readonly vectorStores: { search(id: string, body: object): Paged };
    post(path: string, options: Streamed): Promised<AsyncIterable<object>>;
    post(path: string, options: object): Promised<unknown>;
    get(path: string, options?: object): Promised<unknown>;
  };
  /** The helpers for chat, which majors have in different places. */
  readonly chatHelpers: {
    parse(body: object): Promised<object>;
    stream(body: object): ChatStream;
    runTools(body: object): ToolRunner;
  };
}

/** Creates an answer, or the stream of one. */
interface Creating {
  create(body: Streamed, options?: object): Promised<AsyncIterable<object>>;
  create(body: object, options?: object): Promised<object>;
}

/** Of a body that asks for a stream. The rest of it is spread into the literal. */
interface Streamed {
  readonly stream: true;
}

/** A promise of an answer, or of its head. */
export interface Promised<T> extends PromiseLike<T> {
  withResponse(): PromiseLike<{ readonly data: T; readonly response: Head }>;
  asResponse(): PromiseLike<Head & { json(): PromiseLike<unknown> }>;
}

/** An answer's head. */
export interface Head {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
}

interface Paged extends Promised<{ readonly data: object[] }>, AsyncIterable<object> {}

interface ChatStream extends AsyncIterable<object> {
  on(event: 'content', listener: (delta: string, snapshot: string) => void): unknown;
  finalChatCompletion(): Promise<object>;
}

interface ResponseStream extends AsyncIterable<object> {
  finalResponse(): Promise<object>;
}

interface ToolRunner {
  readonly messages: object[];
  done(): Promise<void>;
  finalContent(): Promise<string | null>;
}

const KEY = { apiKey: 'sk-test', maxRetries: 0 };

/** The majors that people use. */
export const SDKS: readonly Sdk[] = [
  {
    name: 'openai 4',
    errors: V4,
    connect(baseURL, options) {
      const api = new V4({ ...KEY, baseURL, ...options });
      return { api, chatHelpers: api.beta.chat.completions };
    },
  },
  {
    name: 'openai 5',
    errors: V5,
    connect(baseURL, options) {
      const api = new V5({ ...KEY, baseURL, ...options });
      return { api, chatHelpers: api.chat.completions };
    },
  },
  {
    name: 'openai 6',
    errors: V6,
    connect(baseURL, options) {
      const api = new V6({ ...KEY, baseURL, ...options });
      return { api, chatHelpers: api.chat.completions };
    },
  },
  {
    name: 'openai 7',
    errors: V7,
    connect(baseURL, options) {
      const api = new V7({ ...KEY, baseURL, ...options });
      return { api, chatHelpers: api.chat.completions };
    },
  },
];
