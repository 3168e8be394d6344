import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setStage } from '../support/stage.ts';
import { DATA_CALLS } from './openai-data-calls.ts';
import { CHAT_CALLS, RESPONSES_CALLS } from './openai-llm-calls.ts';
import { SDKS } from './openai-sdk.ts';
import { meaning } from './twice.ts';

// Not the tool runs: of a history, majors 4 and 5 send members (`parsed`, `parsed_arguments`) that 6 and 7 leave out.
const CALLS = [...CHAT_CALLS, ...RESPONSES_CALLS, ...DATA_CALLS];

describe('what one major of the openai SDK has asked is a hit for the others', () => {
  for (const [name, call] of CALLS) {
    it(name, async () => {
      await using stage = await setStage({ upstreamSettings: { dialect: 'openai' } });
      const { upstream, reprise } = stage;
      const direct = new Map<string, unknown>();
      for (const sdk of SDKS) direct.set(sdk.name, meaning(await call(sdk.connect(upstream.url))));
      const cost = upstream.calls.length / SDKS.length;
      for (const sdk of SDKS) {
        const answered = meaning(await call(sdk.connect(`${reprise.url}/v1`)));
        assert.deepEqual(answered, direct.get(sdk.name), sdk.name);
        assert.equal(upstream.calls.length, cost * (SDKS.length + 1), `calls after ${sdk.name}`);
      }
    });
  }
});
