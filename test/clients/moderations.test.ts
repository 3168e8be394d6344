import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setStage } from '../support/stage.ts';
import { type Client, SDKS } from './openai-sdk.ts';
import { type Calls, describeTwice } from './twice.ts';

const MODEL = { model: 'omni-moderation-latest' };

const CALLS: Calls<Client> = new Map<string, (client: Client) => Promise<unknown>>([
  ['moderation of one text', async ({ api }) => judged(api.moderations.create({ input: 'a' }))],
  [
    'moderation of several texts, one of them twice',
    async ({ api }) => judged(api.moderations.create({ ...MODEL, input: ['a', 'b', 'a'] })),
  ],
  [
    'moderation of a text with a picture',
    async ({ api }) =>
      judged(
        api.moderations.create({
          ...MODEL,
          input: [
            { type: 'text', text: 'a' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
          ],
        }),
      ),
  ],
]);

for (const { name, connect } of SDKS) {
  describe(name, () => {
    describeTwice(connect, CALLS);

    it('asks the upstream only for the texts that nobody has had judged', async () => {
      await using stage = await setStage();
      const { api } = connect(`${stage.reprise.url}/v1`);
      await api.moderations.create({ ...MODEL, input: ['a', 'b'] });
      const input = ['c', 'b', 'a'];
      const mixed = await judged(api.moderations.create({ ...MODEL, input }));
      const direct = connect(stage.upstream.url).api.moderations.create({ ...MODEL, input });
      assert.deepEqual(mixed, await judged(direct));
      assert.deepEqual(
        stage.upstream.calls.map((call) => call.json().input),
        [['a', 'b'], ['c'], input],
      );
    });
  });
}

/** What an answer says of its items. Its id names the call, which for items of several calls is none. */
async function judged(call: PromiseLike<object>): Promise<object> {
  return { ...(await call), id: undefined };
}
