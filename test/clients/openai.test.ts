import { describe } from 'node:test';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import * as zod6 from 'openai-v6/helpers/zod';
import { z } from 'zod';
import { DATA_CALLS } from './openai-data-calls.ts';
import { ANSWER, CHAT_CALLS, HI, RESPONSES_CALLS, TOOL_RUNS } from './openai-llm-calls.ts';
import { type Client, SDKS } from './openai-sdk.ts';
import { type Calls, describeTwice } from './twice.ts';

const CALLS: Calls<Client> = new Map([...CHAT_CALLS, ...TOOL_RUNS, ...RESPONSES_CALLS, ...DATA_CALLS]);

const LAMP = z.object({ sku: z.string() });

/** What majors 4 and 5 cannot do with this version of zod. */
function zodCalls(helpers: {
  zodResponseFormat(schema: typeof LAMP, name: string): object;
  zodTextFormat(schema: typeof LAMP, name: string): object;
}): Calls<Client> {
  return new Map<string, (client: Client) => Promise<unknown>>([
    [
      'chat as a zod object',
      async ({ chatHelpers }) =>
        chatHelpers.parse({ ...HI, response_format: helpers.zodResponseFormat(LAMP, 'lamp') }),
    ],
    [
      'responses as a zod object',
      async ({ api }) =>
        api.responses.parse({ ...ANSWER, text: { format: helpers.zodTextFormat(LAMP, 'lamp') } }),
    ],
  ]);
}

const ZOD_CALLS = new Map([
  ['openai 6', zodCalls(zod6)],
  ['openai 7', zodCalls({ zodResponseFormat, zodTextFormat })],
]);

for (const { name, connect } of SDKS) {
  describe(name, () => {
    describeTwice(connect, new Map([...CALLS, ...(ZOD_CALLS.get(name) ?? [])]));
  });
}
