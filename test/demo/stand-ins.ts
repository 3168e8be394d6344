import { after, before } from 'node:test';
import { type Model, startModel } from '../../src/demo/model.ts';
import { type Shop, startShop } from '../../src/demo/shop.ts';

/** The demo's model and shop, which run from before the first test of a file until after its last. */
export interface StandIns {
  readonly model: Model;
  readonly shop: Shop;
}

/** Starts the stand-ins for the tests of this file, without the waits that make them like real ones. */
export function standIns(): StandIns {
  const atOnce = async (): Promise<void> => {};
  let model: Model;
  let shop: Shop;
  before(async () => {
    model = await startModel(atOnce);
    shop = await startShop(atOnce);
  });
  after(async () => {
    await model.close();
    await shop.close();
  });
  return {
    get model() {
      return model;
    },
    get shop() {
      return shop;
    },
  };
}
