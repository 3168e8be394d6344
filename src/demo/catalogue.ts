/** One article of the demo's shop. */
export interface Product {
  /** What look-ups name it by, such as `tent-skarv-2`. */
  readonly id: string;
  readonly name: string;
  /** One of {@link CATEGORIES}: what a customer would call such an article, in the plural. */
  readonly category: string;
  readonly price_eur: number;
  readonly weight_g: number;
  /** Short facts, such as `sleeps 2` or `2,000 mm water column`. */
  readonly attributes: readonly string[];
  readonly description: string;
}

/** What the shop sells: outdoor gear, all of it made up. In order of popularity, best seller first. */
export function catalogue(): readonly Product[] {
  return ROWS.trim().split('\n').map(toProduct);
}

function toProduct(row: string): Product {
  const [id = '', name = '', category = '', price = '', weight = '', attributes = '', description = ''] = row
    .split('|')
    .map((cell) => cell.trim());
  return {
    id,
    name,
    category,
    price_eur: Number(price),
    weight_g: Number(weight),
    attributes: attributes.split('; '),
    description,
  };
}

/** The categories of {@link catalogue}. */
export const CATEGORIES = [
  'tents',
  'sleeping bags',
  'sleeping mats',
  'backpacks',
  'rain jackets',
  'down jackets',
  'hiking boots',
  'stoves',
  'headlamps',
  'water filters',
] as const;

// id | name | category | price in EUR | weight in g | attributes | description
const ROWS = `
tent-skarv-2 | Skarv 2 | tents | 349 | 1890 | sleeps 2; 3,000 mm water column; 3 seasons; two porches | A tunnel tent with two porches that stands in the wind and packs small.
pack-varde-55 | Varde 55 | backpacks | 219 | 1640 | 55 litres; adjustable back; rain cover | The trekking backpack for a week: an adjustable back and a hip belt that carries.
boot-urd-mid | Urd Mid | hiking boots | 189 | 1080 | leather; waterproof membrane; resoleable | Ankle-high leather boots for marked paths and wet meadows.
jacket-regn-3l | Regn 3L | rain jackets | 279 | 410 | 3 layers; 20,000 mm water column; pit zips | A three-layer shell with a hood that turns with the head.
bag-dun-400 | Dun 400 | sleeping bags | 329 | 870 | down; comfort 0 °C; limit -6 °C | A down sleeping bag for three seasons, wide at the foot.
mat-sky-r4 | Sky R4 | sleeping mats | 149 | 480 | R-value 4.2; 8 cm thick; air | An insulated air mat that stays quiet when you turn.
stove-glo-one | Glo One | stoves | 59 | 95 | gas; 2,800 W; piezo ignition | A gas stove the size of a fist that boils a litre in four minutes.
lamp-lys-400 | Lys 400 | headlamps | 54 | 78 | 400 lumens; rechargeable; IPX6 | A rechargeable headlamp with a red light for the tent.
filter-elv-squeeze | Elv Squeeze | water filters | 39 | 63 | hollow fibre; 0.1 micron; 2 litres a minute | A squeeze filter that screws onto common bottles.
down-fnugg-hood | Fnugg Hood | down jackets | 239 | 370 | 800 fill down; hood; packs into its pocket | A warm hooded down jacket that packs into its own pocket.
tent-skarv-1 | Skarv 1 | tents | 279 | 1420 | sleeps 1; 3,000 mm water column; 3 seasons | The small Skarv: one person, one porch, ten minutes from bag to bed.
tent-lomvi-3 | Lomvi 3 | tents | 429 | 2650 | sleeps 3; 4,000 mm water column; 3 seasons; dome | A free-standing dome with room for three and their boots.
pack-varde-40 | Varde 40 | backpacks | 179 | 1380 | 40 litres; adjustable back; rain cover | The hut-to-hut backpack: light, with a big lid pocket.
boot-urd-low | Urd Low | hiking boots | 149 | 820 | suede; waterproof membrane; light sole | Low shoes for day hikes that dry overnight.
jacket-yr-light | Yr Light | rain jackets | 159 | 215 | 2.5 layers; 10,000 mm water column; packable | The jacket that lives at the bottom of the backpack, just in case.
bag-dun-700 | Dun 700 | sleeping bags | 449 | 1240 | down; comfort -9 °C; limit -16 °C | A winter down bag with a collar that keeps the warmth in.
mat-sky-r7 | Sky R7 | sleeping mats | 219 | 690 | R-value 7.1; 10 cm thick; air and down | The mat for snow: as warm as it is thick.
stove-glo-duo | Glo Duo | stoves | 119 | 390 | gas; pot with heat exchanger; 1 litre | A stove and a pot in one that sips its gas.
lamp-lys-900 | Lys 900 | headlamps | 109 | 148 | 900 lumens; rechargeable; IPX7 | A bright headlamp for running and ski tours, battery at the back.
filter-elv-gravity | Elv Gravity | water filters | 79 | 310 | hollow fibre; 0.1 micron; 4 litre bag | Hang it in a tree and let four litres filter themselves.
down-fnugg-light | Fnugg Light | down jackets | 179 | 240 | 850 fill down; no hood; packs into its pocket | The lightest Fnugg, thin enough to wear below a shell.
tent-alke-2 | Alke 2 | tents | 549 | 1120 | sleeps 2; 1,500 mm water column; 3 seasons; trekking poles | An ultralight tent that stands on your trekking poles.
pack-nip-22 | Nip 22 | backpacks | 99 | 720 | 22 litres; mesh back; bottle pockets | A day pack with a back that stays dry.
boot-fjell-pro | Fjell Pro | hiking boots | 289 | 1460 | leather; crampon edge; resoleable | Stiff boots for scree and easy glaciers.
jacket-regn-pro | Regn Pro | rain jackets | 399 | 480 | 3 layers; 28,000 mm water column; helmet hood | The shell for days when everyone else stays in the hut.
bag-mose-5 | Mose 5 | sleeping bags | 129 | 1150 | synthetic; comfort 5 °C; limit 0 °C | A synthetic sleeping bag for summer and for damp places.
mat-skum-fold | Skum Fold | sleeping mats | 35 | 390 | R-value 2.1; 2 cm thick; foam | A folding foam mat that nothing can puncture.
stove-bal-wood | Bål Wood | stoves | 69 | 260 | wood; folding; steel | A folding wood stove that burns what lies around.
lamp-lys-mini | Lys Mini | headlamps | 29 | 38 | 150 lumens; one battery; IPX4 | A tiny headlamp that weighs less than a bar of chocolate.
filter-elv-pump | Elv Pump | water filters | 109 | 420 | ceramic; 0.2 micron; pump | A pump with a ceramic core that can be cleaned on the way.
down-polar-parka | Polar Parka | down jackets | 429 | 980 | 700 fill down; hood; windproof shell | A parka for standing still in the cold.
tent-lomvi-4 | Lomvi 4 | tents | 519 | 3380 | sleeps 4; 4,000 mm water column; 3 seasons; dome | The family dome: four sleep, two sit in the porch.
pack-varde-75 | Varde 75 | backpacks | 269 | 2150 | 75 litres; adjustable back; rain cover | For expeditions and for parents.
boot-sti-trail | Sti Trail | hiking boots | 129 | 610 | mesh; no membrane; grippy sole | Trail shoes that are dry again after the next bend.
jacket-yr-cape | Yr Cape | rain jackets | 79 | 290 | 5,000 mm water column; covers the backpack; one size | A cape that covers you and your backpack.
bag-dun-200 | Dun 200 | sleeping bags | 269 | 520 | down; comfort 8 °C; limit 4 °C | A summer down bag that packs to the size of a loaf.
mat-sky-kids | Sky Kids | sleeping mats | 79 | 320 | R-value 2.8; 6 cm thick; air | A short air mat for short people.
stove-glo-spider | Glo Spider | stoves | 89 | 170 | gas; hose; wind shield | A low stove on three legs that takes big pots.
lamp-lykt-camp | Lykt Camp | headlamps | 45 | 160 | 300 lumens; lantern and headlamp; rechargeable | A headlamp that turns into a lantern in its pouch.
filter-elv-bottle | Elv Bottle | water filters | 49 | 180 | hollow fibre; 0.1 micron; 0.75 litre bottle | Fill it at the brook, drink through the filter.
down-fnugg-vest | Fnugg Vest | down jackets | 139 | 190 | 800 fill down; no sleeves; packs into its pocket | A vest for the camp and for cold offices.
tent-storm-2 | Storm 2 | tents | 699 | 2980 | sleeps 2; 5,000 mm water column; 4 seasons; snow flaps | A four-season tunnel for winter above the tree line.
pack-nip-30 | Nip 30 | backpacks | 129 | 890 | 30 litres; mesh back; rain cover | The day pack for two people or one photographer.
boot-urd-kids | Urd Kids | hiking boots | 89 | 640 | suede; waterproof membrane; extra lace loops | Boots for children who take the puddle.
jacket-regn-kids | Regn Kids | rain jackets | 99 | 300 | 2.5 layers; 10,000 mm water column; reflectors | A rain jacket with sleeves that can grow.
bag-mose-kids | Mose Kids | sleeping bags | 89 | 780 | synthetic; comfort 6 °C; grows by 30 cm | A sleeping bag that grows with the child.
mat-sky-duo | Sky Duo | sleeping mats | 229 | 980 | R-value 4.2; 8 cm thick; for two | A mat for two without a gap in the middle.
stove-glo-liquid | Glo Liquid | stoves | 169 | 440 | petrol and gas; works at -30 °C; field repairable | A stove for any fuel you can find, in any cold.
lamp-lys-run | Lys Run | headlamps | 69 | 62 | 250 lumens; rechargeable; elastic band | A running headlamp that does not bounce.
filter-elv-uv | Elv UV | water filters | 99 | 110 | UV light; rechargeable; 1 litre in 90 s | Light against viruses, for clear water.
down-fnugg-kids | Fnugg Kids | down jackets | 119 | 280 | 650 fill down; hood; washable | A down jacket that survives the washing machine.
tent-tarp-3 | Tarp 3 | tents | 99 | 620 | roof for 3; 2,000 mm water column; 8 guy lines | A tarp of three by three metres for minimalists.
pack-rull-dry-30 | Rull Dry 30 | backpacks | 119 | 810 | 30 litres; roll top; waterproof | A welded roll-top backpack for boats and rain.
boot-hytte-slip | Hytte Slip | hiking boots | 69 | 350 | felt; rubber sole; washable | Hut shoes for the evening.
jacket-vind-shell | Vind Shell | rain jackets | 109 | 130 | windproof; water-repellent; packable | A wind shell as light as an apple.
bag-liner-silk | Silk Liner | sleeping bags | 59 | 130 | silk; adds 4 °C; hut sleeping bag | A silk liner for huts and for warmer nights.
mat-sit-pad | Sit Pad | sleeping mats | 9 | 45 | foam; folds in four; R-value 1.5 | A warm place to sit.
stove-pot-set | Glo Pots | stoves | 49 | 420 | aluminium; 1 and 2 litres; non-stick | Two pots and a lid that nest around a gas can.
lamp-blink-red | Blink Red | headlamps | 15 | 22 | 20 lumens; red; clip | A small red light to be seen by.
filter-tabs-50 | Elv Tabs | water filters | 12 | 20 | 50 tablets; 1 litre each; keeps 5 years | Tablets for the bottom of the bag.
`;
