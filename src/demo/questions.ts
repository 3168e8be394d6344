/** A question that many customers have; `{name}` stands for the article it is about. */
export interface Question {
  /** The articles it makes sense for: a category, any `article`, or none (`advice`: the customer has yet to find one). */
  readonly about: string;
  /** As the shop's page offers it for a click. */
  readonly offered: string;
  /** As people type it who do not click. */
  readonly typed: readonly string[];
}

/** Forty questions, the most popular first. */
export function questions(): readonly Question[] {
  return ROWS.trim().split('\n').map(toQuestion);
}

/** What customers ask next, about the article they have asked about; the most popular first. */
export const FOLLOW_UPS: readonly string[] = [
  'How fast can you deliver it?',
  'Is there a cheaper one that is nearly as good?',
  'Would you take it for a week in the Alps?',
  'What goes well with it?',
];

/** How typed questions begin and end: nearly every one differs from all others, so that no cache can know it. */
export const OPENERS: readonly string[] = [
  'Hi, ',
  'Hello! ',
  'Quick question: ',
  'Sorry, one thing: ',
  'hey, ',
  'Good morning, ',
  'I wonder: ',
  '',
];

/** See {@link OPENERS}. */
export const CLOSERS: readonly string[] = [
  '?',
  '? Thanks!',
  ', please',
  '?? we leave on friday',
  ' ?',
  '? cheers',
  '...',
  '',
];

function toQuestion(row: string): Question {
  const [about = '', offered = '', ...typed] = row.split('|').map((cell) => cell.trim());
  return { about, offered, typed };
}

// about | offered | typed | typed
const ROWS = `
advice | Which tent do you recommend for two people? | good tent for me and my girlfriend | tent for 2
article | Is the {name} in stock? | can I order the {name} now | do you have the {name} available
advice | Which sleeping bag keeps me warm at 0 °C? | sleeping bag for autumn | bag for zero degrees
article | What does the {name} weigh? | how heavy is the {name} | weight of the {name}
advice | What do I need for a first night outside? | beginner gear for camping | starting with camping what to buy
tents | Is the {name} waterproof in heavy rain? | does the {name} leak | how much rain can the {name} take
advice | Which backpack is right for a week in huts? | backpack for hut tours | pack size for seven days
article | What is the {name} made of? | material of the {name} | which fabrics does the {name} use
advice | Which rain jacket is the lightest? | ultralight rain jacket | rain jacket for running
hiking boots | Does the {name} run large or small? | size advice for the {name} | how does the {name} fit
advice | Which boots are good for wet meadows? | boots that stay dry | waterproof shoes for hiking
backpacks | Is the {name} allowed as hand luggage? | can I fly with the {name} | cabin size of the {name}
advice | What weighs the least for a night at 5 °C? | lightest sleep system | ultralight sleeping in summer
rain jackets | Does the {name} breathe well? | will I sweat in the {name} | breathability of the {name}
advice | Which stove is best for one person? | solo stove | small stove for me alone
sleeping bags | Is the {name} warm enough for autumn? | can I use the {name} in october | how warm is the {name}
advice | Which headlamp do you recommend for running? | running lamp | light for jogging at night
article | How do I care for the {name}? | how to wash the {name} | cleaning the {name}
advice | How do I get clean water on a trek? | drinking from rivers | safe water when hiking
sleeping mats | How thick is the {name}? | is the {name} soft | comfort of the {name}
advice | What keeps my children warm and dry? | gear for kids | camping with a five year old
stoves | Which gas does the {name} need? | what fuel for the {name} | cartridge that fits the {name}
advice | What is a good present for a hiker? | gift for my father who hikes | present under 50 euros
headlamps | How long does the {name} shine? | battery life of the {name} | does the {name} last all night
water filters | How many litres does the {name} filter? | lifetime of the {name} | when to replace the {name}
down jackets | Can I wear the {name} below a shell? | is the {name} thin enough for layering | {name} as a mid layer
article | How long is the warranty of the {name}? | guarantee on the {name} | what if my {name} breaks
tents | How long does it take to pitch the {name}? | is the {name} easy to set up | setting up the {name} alone
hiking boots | Can the {name} be resoled? | repairing the sole of the {name} | new sole for the {name}
backpacks | How do I adjust the back of the {name}? | torso length of the {name} | setting the {name} to my size
rain jackets | How do I renew the coating of the {name}? | water no longer beads on the {name} | proofing the {name}
sleeping bags | How small does the {name} pack? | pack size of the {name} | litres of the {name} packed
sleeping mats | Is the {name} warm enough for snow? | sleeping on snow with the {name} | winter use of the {name}
stoves | How fast does the {name} boil water? | boiling time of the {name} | coffee in a hurry with the {name}
headlamps | Is the {name} waterproof? | can the {name} get wet | using the {name} in rain
article | Can I return the {name} after a trip? | sending back a used {name} | return policy for the {name}
water filters | Does the {name} work against viruses? | is the {name} safe in asia | viruses and the {name}
down jackets | Can the {name} get wet? | rain on the {name} | is the {name} any good in drizzle
article | Does the {name} come in other colours? | is there a red {name} | colours of the {name}
article | Is the {name} made without PFAS? | does the {name} contain pfas | chemicals in the {name}
`;
