import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RepriseError } from '../../src/shared/errors.ts';
import { Health } from '../../src/upstream/health.ts';
import { ManualClock } from '../support/clock.ts';

function setUp() {
  const clock = new ManualClock();
  const health = new Health({ failures: 3, probeMs: 2_000, retryAfterFailureMs: 5_000 }, clock);
  return { clock, health };
}

describe('the health of an upstream', () => {
  it('is up, failing after a failure for retry_after_failure, and up again', () => {
    const { clock, health } = setUp();
    assert.equal(health.state(), 'up');
    health.failed();
    assert.equal(health.state(), 'failing');
    assert.equal(health.failing(), true);
    clock.advance(5_000);
    assert.equal(health.failing(), false);
    health.failed();
    health.succeeded();
    assert.equal(health.state(), 'up');
  });

  it('the breaker opens after so many failures in a row, and not after as many in all', () => {
    const { health } = setUp();
    for (let count = 0; count < 10; count += 1) {
      health.failed();
      health.failed();
      health.succeeded();
    }
    assert.deepEqual(health.admit(), { kind: 'go' });
    for (let count = 0; count < 3; count += 1) health.failed();
    assert.equal(health.state(), 'down');
    assert.deepEqual(health.admit(), { kind: 'refused', retryAfterS: 2 });
  });

  it('an open breaker lets one probe through at a time, and a success closes it', () => {
    const { clock, health } = setUp();
    for (let count = 0; count < 3; count += 1) health.failed();
    clock.advance(2_000);
    assert.equal(health.admit().kind, 'go');
    assert.equal(health.admit().kind, 'refused');
    health.failed();
    clock.advance(1_999);
    assert.equal(health.admit().kind, 'refused');
    clock.advance(1);
    assert.equal(health.admit().kind, 'go');
    health.succeeded();
    assert.equal(health.admit().kind, 'go');
    assert.equal(health.admit().kind, 'go');
  });

  it("an error that is the request's own fault says nothing of the upstream", () => {
    const { health } = setUp();
    for (let count = 0; count < 9; count += 1) health.erred(new RepriseError('invalid_request', 'x'));
    assert.equal(health.state(), 'up');
    for (let count = 0; count < 3; count += 1) health.erred(new RepriseError('upstream_timeout', 'x'));
    assert.equal(health.state(), 'down');
  });

  it('a probe that nothing is heard of does not keep the breaker open for ever', () => {
    const { clock, health } = setUp();
    for (let count = 0; count < 3; count += 1) health.failed();
    for (let probe = 0; probe < 5; probe += 1) {
      clock.advance(2_000);
      assert.equal(health.admit().kind, 'go');
      assert.deepEqual(health.admit(), { kind: 'refused', retryAfterS: 2 });
    }
  });

  it('the clock on the wall, set back or forth, changes nothing', () => {
    const { clock, health } = setUp();
    for (let count = 0; count < 3; count += 1) health.failed();
    for (const wall of [0, Date.UTC(2100, 0, 1)]) {
      clock.setWall(wall);
      assert.equal(health.admit().kind, 'refused');
      assert.equal(health.failing(), true);
    }
    clock.advance(1_001);
    assert.deepEqual(health.admit(), { kind: 'refused', retryAfterS: 1 });
  });
});
