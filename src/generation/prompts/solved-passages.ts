/** Passages with a query of each kind, to show a model what is wanted. Written for this project. */
export interface SolvedPassage {
  readonly passage: string;
  readonly question: string;
  readonly claim: string;
  readonly title: string;
  readonly keywords: string;
  readonly search: string;
}

export const solvedPassages: readonly SolvedPassage[] = [
  {
    passage:
      'The Rosetta Stone carries one decree of 196 BC in three scripts: hieroglyphs, Demotic and Greek. Because scholars ' +
      'could read the Greek, they could compare it with the other two, and in 1822 Jean-François Champollion showed ' +
      'that hieroglyphs stand for sounds as well as for ideas.',
    question: 'How did the Rosetta Stone help scholars to read hieroglyphs?',
    claim: 'Champollion showed that Egyptian hieroglyphs record sounds and not ideas alone.',
    title: 'The Rosetta Stone and the Decipherment of Hieroglyphs',
    keywords: 'Rosetta Stone, hieroglyphs, Champollion, decipherment, ancient Egypt',
    search: 'who deciphered egyptian hieroglyphs',
  },
  {
    passage:
      'A bar code scanner does not see numbers. It sweeps a beam over the bars and measures how long each stretch of dark ' +
      'and light lasts; the pattern of widths stands for digits. The last digit is computed from the others, so that most ' +
      'misreadings are noticed at once and the item can be scanned again.',
    question: 'What is the last digit of a bar code for?',
    claim: 'The final digit of a bar code lets a scanner notice that it has misread the others.',
    title: 'How Bar Code Scanners Read and Check Numbers',
    keywords: 'bar code, scanner, check digit, error detection',
    search: 'how does a barcode check digit work',
  },
  {
    passage:
      'In 1928 Alexander Fleming came back from a holiday and found mold on a plate of bacteria, with a clear ring around ' +
      'it where the bacteria had died. He called the substance penicillin but could not purify it. Howard Florey and ' +
      'Ernst Chain managed that more than ten years later, and made it a medicine.',
    question: 'Who turned penicillin into a usable medicine?',
    claim: 'Fleming found penicillin but it was Florey and Chain who purified it.',
    title: 'From Mold to Medicine: The Story of Penicillin',
    keywords: 'penicillin, Alexander Fleming, antibiotics, history of medicine',
    search: 'discovery of penicillin and who purified it',
  },
  {
    passage:
      'Roman builders mixed lime with volcanic ash from near Pozzuoli. With water the two form a binder that hardens even ' +
      'under the surface, and harbor piers made of it have stood in the surf for two thousand years. Seawater that seeps ' +
      'in grows new minerals in the cracks and makes the old concrete stronger.',
    question: 'Why has Roman concrete lasted so long in salt water?',
    claim: 'Seawater makes Roman concrete stronger by growing minerals in its cracks.',
    title: 'Why Roman Harbor Concrete Still Stands',
    keywords: 'Roman concrete, volcanic ash, durability, harbor construction',
    search: 'why is roman concrete stronger than modern concrete in seawater',
  },
  {
    passage:
      'A knight in chess moves two squares in one direction and one square at a right angle to it, and it is the only piece ' +
      'that may leap over others. Each of its moves takes it to a square of the other color. From the middle of the board ' +
      'it reaches eight squares, from a corner only two, so players keep it away from the edge.',
    question: 'Why should a knight not stand at the edge of a chessboard?',
    claim: 'A knight in the center of the board controls four times as many squares as one in a corner.',
    title: 'How the Knight Moves and Where It Belongs',
    keywords: 'chess, knight, moves, piece placement',
    search: 'can a knight jump over other pieces in chess',
  },
  {
    passage:
      'The meter was first defined in 1791 as one ten-millionth of the distance from the North Pole to the equator. Later ' +
      'a platinum bar in Paris stood for it. Since 1983 it has been the distance that light covers in a vacuum in ' +
      '1/299,792,458 of a second, which any well-equipped laboratory can reproduce.',
    question: 'How has the length of a meter been defined since 1983?',
    claim: 'Today the meter is defined by the speed of light instead of a metal bar.',
    title: 'Three Definitions of the Meter',
    keywords: 'meter, definition, speed of light, units of measurement, metric system',
    search: 'definition of a meter speed of light 1983',
  },
  {
    passage:
      'Camels do not store water in their humps but fat, up to 35 kilograms of it. They last long without drinking because ' +
      'they let their body temperature rise by several degrees before they sweat, lose little water in their breath, and ' +
      'have oval blood cells that still flow when the blood thickens.',
    question: 'What is stored in the hump of a camel?',
    claim: 'Camels save water by letting their bodies warm up before they begin to sweat.',
    title: 'How Camels Live Through Days Without Water',
    keywords: 'camel, hump, dehydration, desert animals, body temperature',
    search: 'do camels store water in their humps',
  },
  {
    passage:
      'Gutenberg did not invent printing; wooden blocks had been carved in China centuries before him. What he added around ' +
      '1450 was a hand mold in which hundreds of equal metal letters could be cast in a day, an oily ink that stuck to ' +
      'metal, and a press like those for wine. Letters could be set, printed from and used again.',
    question: 'What did Gutenberg add to the printing that already existed?',
    claim: "Gutenberg's mold for casting metal letters made type quick to produce and reusable.",
    title: "Gutenberg's Contribution to Printing",
    keywords: 'Gutenberg, movable type, printing press, metal letters',
    search: 'what did johannes gutenberg actually invent',
  },
  {
    passage:
      'When a compass needle points north, it does not point at the North Pole but at the magnetic one, which wanders by ' +
      'some tens of kilometers a year. The angle between the two directions is called declination. Maps print it for the ' +
      'year of their making, and hikers have to add or subtract it.',
    question: 'Why does a compass not point exactly at the North Pole?',
    claim: 'Hikers must correct their compass readings for magnetic declination.',
    title: 'Magnetic Declination for Hikers',
    keywords: 'compass, magnetic north, declination, navigation, maps',
    search: 'difference between true north and magnetic north',
  },
  {
    passage:
      'Glass is made from sand, which alone would melt at about 1,700 degrees Celsius. Soda ash brings that down to a ' +
      'temperature that furnaces reach more easily, but leaves a glass that dissolves in water; limestone is added so ' +
      'that it does not. Most windows and bottles are made of these three.',
    question: 'Why is limestone added when glass is made?',
    claim: 'Soda ash lowers the temperature at which sand melts into glass.',
    title: 'The Three Ingredients of Ordinary Glass',
    keywords: 'glass making, sand, soda ash, limestone, melting point',
    search: 'what is glass made of and why soda ash',
  },
  {
    passage:
      'A marathon is 42.195 kilometers long because of the London Games of 1908, where the course ran from Windsor Castle ' +
      'to a place in front of the royal box in the stadium. Races before that had been of about 40 kilometers. The odd ' +
      'length became the official one in 1921.',
    question: 'Where does the odd length of the marathon come from?',
    claim: 'The distance of a marathon goes back to the course of the 1908 Games in London.',
    title: 'Why a Marathon Is 42.195 Kilometers Long',
    keywords: 'marathon, race distance, London 1908, Olympic history',
    search: 'why is a marathon 42.195 km',
  },
  {
    passage:
      'Paper money lost its link to gold in steps. Before 1914 anyone could change notes for coins at a bank. Between the ' +
      'wars only large bars were handed out, and after 1944 only governments could ask for them, at 35 dollars an ounce. ' +
      'In August 1971 the United States stopped that as well.',
    question: 'When could dollars no longer be exchanged for gold by governments?',
    claim: 'The last tie between the dollar and gold was cut in August 1971.',
    title: 'How Money Left the Gold Standard',
    keywords: 'gold standard, paper money, dollar, monetary history',
    search: 'when did the us leave the gold standard',
  },
  {
    passage:
      'Noise-canceling headphones carry small microphones that pick up the sound around them. A circuit turns the wave upside ' +
      'down and plays it along with the music, so that peaks meet troughs and both vanish. That works well for the steady ' +
      'hum of an engine, and badly for speech, which changes too fast.',
    question: 'Why do noise-canceling headphones not silence voices as well as engines?',
    claim: 'Noise-canceling headphones remove steady hums better than speech.',
    title: 'How Headphones Cancel Noise',
    keywords: 'noise canceling, headphones, sound waves, microphones',
    search: 'how do noise cancelling headphones work',
  },
];
