import type { ServerResponse } from 'node:http';
import { answerAsOpenAi } from '../openai-server.ts';
import type { Handler } from '../upstream.ts';

/** Answers with this status and body, and nothing of OpenAI's. */
export function answering(
  status: number,
  body: string | Buffer = '',
  headers: Readonly<Record<string, string>> = {},
): Handler {
  return (_request, response) => {
    response.writeHead(status, headers).end(body);
  };
}

/** Closes the connection instead of answering. */
export const cutBeforeHead: Handler = (_request, response) => {
  response.destroy();
};

/** Closes the connection when the head of an answer of ten bytes is out. */
export const cutAfterHead: Handler = (_request, response) => {
  response.writeHead(200, { 'content-length': '10' }).flushHeaders();
  cut(response);
};

/** Answers like OpenAI's API, and closes the connection after so many chunks of a stream. */
export function cutAfterChunks(chunks: number): Handler {
  return (request, response, turn) => {
    let sent = 0;
    return answerAsOpenAi(request, response, {
      async pass() {
        await turn.pass();
        if (sent === chunks) await cut(response);
        sent += 1;
      },
    });
  };
}

/** Never answers. */
export const silent: Handler = () => new Promise<never>(() => undefined);

/** Closes the connection once what has been written is out. */
function cut(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => {
      response.destroy();
      resolve();
    });
  });
}
