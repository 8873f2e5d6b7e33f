"""Questions of everyday science and computing: their marking guides, and how people say each point, or miss it.

Word lists only; `<a/b>` is one of them, by chance (grammar.expand). Clauses begin small and have no stop. A point is
worth so many quarters of the mark; those of a question sum to four. A wrong clause uses the question's own words.
"""
# ruff: noqa: E501 — an entry stands on one line, however long

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """guide: as the marker's guide has it. quarters: what it is worth. said: ways in which answers make it."""

    guide: str
    quarters: int
    said: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """unseen: its answers are for testing only."""

    text: str
    points: tuple[Point, ...]
    wrong: tuple[str, ...]
    unseen: bool = False


QUESTIONS = (
    Question(
        "Why do we see lightning before we hear the thunder?",
        (
            Point(
                "Light travels far faster than sound.",
                1,
                (
                    "light <travels/moves/goes> <far/much/a lot> faster than sound",
                    "sound is <far/much/a great deal> slower than light",
                    "the flash reaches us almost <at once/instantly> while the noise <takes its time/needs longer>",
                    "the speed of light is <hugely/very much> greater than <that/the speed> of sound",
                ),
            ),
            Point(
                "Lightning and thunder arise at the same moment.",
                1,
                (
                    "both <happen/start/arise> at the same <moment/time>",
                    "the thunder is made by the lightning itself, <at the very same instant/in the same moment>",
                    "flash and bang <begin together/are one event/come from the same discharge>",
                ),
            ),
            Point(
                "Sound needs about three seconds for a kilometre.",
                1,
                (
                    "sound needs <about/roughly/some> three seconds <for a kilometre/to cover one kilometre>",
                    "in one second sound gets <only some 340 metres/about a third of a kilometre>",
                    "the noise covers <about/roughly> 340 metres a second",
                ),
            ),
            Point(
                "The seconds between them tell how far away the storm is.",
                1,
                (
                    "by counting the seconds <in between/between the two> you can tell <how far away the storm is/the distance of the storm>",
                    "the longer the <gap/delay/pause>, the farther <away/off> the storm",
                    "the delay <shows/tells us/gives> the distance to the <storm/strike>",
                ),
            ),
        ),
        (
            "the thunder <starts/is made> only after the lightning has <ended/gone out>",
            "our eyes <work/react> faster than our ears",
            "sound travels faster than light in <a storm/wet air>",
            "the clouds hold the sound back <for a while/until the rain comes>",
            "lightning is <nearer to us/lower in the sky> than thunder",
        ),
    ),
    Question(
        "Why does ice float on water?",
        (
            Point(
                "Ice is less dense than liquid water.",
                1,
                (
                    "ice is less dense than <water/liquid water>",
                    "the density of ice is <lower/smaller> than <that of water/water's>",
                    "a litre of ice weighs less than a litre of <water/the liquid>",
                    "the solid is lighter than the same <volume/amount of space> of liquid",
                ),
            ),
            Point(
                "Water expands when it freezes.",
                1,
                (
                    "water <expands/swells/grows> when it <freezes/turns solid>",
                    "on freezing water takes up <more room/more space/a larger volume>",
                    "that is why a full bottle bursts in the freezer: <frozen water needs more room/the volume grows>",
                ),
            ),
            Point(
                "The molecules form an open lattice.",
                1,
                (
                    "the molecules <form/build/arrange themselves in> an open <lattice/crystal/grid>",
                    "hydrogen bonds <hold/keep> the molecules <farther apart/in a wide crystal structure>",
                    "in the crystal there is <more empty space/a wider gap> between the molecules",
                ),
            ),
            Point(
                "A floating body pushes away its own weight of water.",
                1,
                (
                    "it pushes <away/aside> as much water as it weighs <itself/>",
                    "the displaced water weighs <the same as the ice/just as much as the whole block>",
                    "buoyancy equals the weight of the <displaced water/water that is pushed aside>",
                ),
            ),
        ),
        (
            "ice is <heavier/denser> than water but <the surface holds it/cold things rise>",
            "there is air <trapped/blown> into the ice <which lifts it/like in a balloon>",
            "water shrinks when it <freezes/gets solid>",
            "cold things always <float/rise to the top>",
            "the molecules themselves become <lighter/smaller> in the cold",
        ),
    ),
    Question(
        "Why does a metal spoon feel colder than a wooden spoon in the same drawer?",
        (
            Point(
                "Both spoons have the same temperature.",
                1,
                (
                    "both <spoons/of them> have the same temperature",
                    "the metal is not <really/actually> colder, both are at <room temperature/the temperature of the drawer>",
                    "a thermometer would show <the same/no difference> for <the two/metal and wood>",
                ),
            ),
            Point(
                "Metal conducts heat much better than wood.",
                1,
                (
                    "metal <conducts/carries> heat <much/far> better than wood",
                    "wood is a <poor/bad> conductor while metal is a good one",
                    "the thermal conductivity of metal is <far/much> higher",
                ),
            ),
            Point(
                "Heat flows from the hand into the spoon.",
                1,
                (
                    "heat <flows/goes/passes> from <the hand/your fingers/our skin> into the spoon",
                    "the <warm hand/skin> <loses/gives up> warmth to the spoon",
                    "warmth leaves <the fingers/the hand> and goes into the metal",
                ),
            ),
            Point(
                "Skin feels how fast heat leaves it, not the temperature.",
                1,
                (
                    "skin <feels/senses/notices> how fast heat <leaves it/is lost>, not the temperature <itself/of the thing>",
                    "what we <feel/perceive> as cold is the <rate/speed> of losing heat",
                    "our nerves <report/measure> the loss of heat rather than the temperature",
                ),
            ),
        ),
        (
            "metal <always has/takes on> a lower temperature than wood",
            "cold <flows/streams> out of the metal into the <hand/fingers>",
            "wood makes its own warmth because it <was alive/is a plant>",
            "metal is smoother, and smooth things are <cold/cooler>",
            "the wooden spoon <is thicker/weighs less> and so it is warmer inside",
        ),
    ),
    Question(
        "What causes the seasons of the year?",
        (
            Point(
                "The Earth's axis is tilted.",
                1,
                (
                    "the <axis of the Earth/Earth's axis> is <tilted/inclined/not upright>",
                    "the Earth leans <by about 23 degrees/to one side> as it goes round",
                    "our planet is tilted against its orbit",
                ),
            ),
            Point(
                "The Earth goes round the Sun once a year.",
                1,
                (
                    "the Earth <goes/travels/moves> round the Sun once a year",
                    "in one orbit, <which is a year/twelve months long>, each <hemisphere/half> is turned to the Sun in turn",
                    "a full turn about the Sun takes <a year/365 days>",
                ),
            ),
            Point(
                "In summer sunlight falls more steeply and warms more.",
                1,
                (
                    "in summer the <rays/sunlight> <fall/falls> more <steeply/directly> and <warm/warms> more",
                    "a higher Sun gives more <energy/heat> to each square metre",
                    "in winter the light comes in at a <low/flat> angle and is spread <out/over a larger area>",
                ),
            ),
            Point(
                "Days are longer in summer.",
                1,
                (
                    "days are longer in summer, so there is more time <to warm up/for heating>",
                    "in winter the Sun is up for <fewer hours/a shorter time>",
                    "the number of daylight hours <changes/grows towards summer>",
                ),
            ),
        ),
        (
            "in summer the Earth is <closer/nearer> to the Sun",
            "the Sun <burns hotter/gives more light> in summer",
            "the Moon <blocks/takes> part of the warmth in winter",
            "clouds and wind <decide/make> the seasons",
            "the Earth <turns faster/spins quicker> in winter, so the days are short",
        ),
    ),
    Question(
        "What does a plant do in photosynthesis?",
        (
            Point(
                "It takes in carbon dioxide from the air.",
                1,
                (
                    "it takes in carbon dioxide <from the air/through its leaves>",
                    "CO2 <enters/goes in> through <small openings/the stomata/pores> of the leaf",
                    "the leaves <absorb/breathe in> carbon dioxide",
                ),
            ),
            Point(
                "It takes up water through its roots.",
                1,
                (
                    "water <comes/is drawn> up <from the roots/through the roots>",
                    "the roots <bring in/supply/take up> the water <it needs/that is used>",
                    "it also needs water out of the <soil/ground>",
                ),
            ),
            Point(
                "Chlorophyll catches the energy of light.",
                1,
                (
                    "chlorophyll <catches/absorbs/captures> the energy of <light/the sun>",
                    "sunlight gives the energy and the green <pigment/dye> takes it up",
                    "the green parts turn light into chemical energy",
                ),
            ),
            Point(
                "It makes sugar and gives off oxygen.",
                1,
                (
                    "it makes sugar and <gives off/releases> oxygen",
                    "the products are <glucose and oxygen/sugar, and oxygen as waste>",
                    "oxygen is set free while <sugar/glucose> is built as food",
                ),
            ),
        ),
        (
            "it takes in oxygen and gives off <carbon dioxide/nitrogen> all day",
            "the plant <eats/sucks> soil and turns it into <leaves/light>",
            "it makes <light/warmth> out of sugar",
            "the roots <catch/collect> the sunlight",
            "photosynthesis happens <only at night/in the flowers>",
        ),
    ),
    Question(
        "Why does washing hands with soap work better than water alone?",
        (
            Point(
                "A soap molecule has one end that likes water and one that likes fat.",
                2,
                (
                    "a soap molecule has one end that <likes/loves/binds> water and <one/another> that <likes/loves/binds> fat",
                    "one side of soap is hydrophilic and the other <hydrophobic/side likes grease>",
                    "soap links <grease and water/oil with water> as it has <a head for water and a tail for fat/two different ends>",
                ),
            ),
            Point(
                "Soap breaks up grease and the shell of some viruses.",
                1,
                (
                    "it breaks up <grease/fat/oil> <and the fatty shell of viruses/into tiny drops>",
                    "the envelope of <a virus/some viruses> is <torn open/destroyed>",
                    "fat is <split/lifted off> in small <drops/balls>",
                ),
            ),
            Point(
                "Running water then carries the dirt away.",
                1,
                (
                    "<running/flowing> water then carries the <dirt/drops/germs> away",
                    "after that it can all be rinsed off",
                    "rinsing <takes/washes> the loosened dirt <with it/down the drain>",
                ),
            ),
        ),
        (
            "soap is <hot/warm> and burns the germs",
            "the <smell/perfume> of soap drives germs away",
            "soap makes the water <colder/heavier>",
            "water alone cannot touch <skin/hands> at all",
            "soap builds a thick <wall/coat> on the hand that stays all day",
        ),
    ),
    Question(
        "What is a browser's cache for, and when does it cause trouble?",
        (
            Point(
                "It keeps copies of files that were fetched before.",
                2,
                (
                    "it <keeps/stores/saves> copies of <files/pages and pictures> that were <fetched/loaded> before",
                    "things <downloaded/visited> earlier are <kept/stored> on <the disk/your own computer>",
                    "the browser <remembers/holds on to> <images and scripts/the parts of a site> it already <has/downloaded>",
                ),
            ),
            Point(
                "Pages load faster with less traffic.",
                1,
                (
                    "pages <load/open> faster <and/with> less <traffic/data is sent>",
                    "it <saves/spares> time and <bandwidth/network load>",
                    "the second visit is <quicker/faster> since nothing need be downloaded again",
                ),
            ),
            Point(
                "It may show an outdated version.",
                1,
                (
                    "it may show an <outdated/old> version of <a page/the site>",
                    "changes on the server are <not seen/missed> until <it is cleared/it expires>",
                    "you can get a stale copy <although the site changed/after an update>",
                ),
            ),
        ),
        (
            "the cache <guards/protects> the computer from viruses",
            "it makes the <screen/monitor> brighter",
            "the cache is where <passwords/bookmarks> are typed in",
            "it <doubles/raises> the speed of the internet line",
            "trouble comes when the <battery/mouse> of the browser is empty",
        ),
    ),
    Question(
        "Why should a site keep the hash of a password instead of the password?",
        (
            Point(
                "A hash cannot be turned back into the password.",
                1,
                (
                    "a hash <cannot/can not> be turned back into the <password/original>",
                    "hashing <goes only one way/is a one-way function>",
                    "nobody can <compute/work out> the password from <its hash/the hash value>",
                ),
            ),
            Point(
                "At login the typed password is hashed and compared.",
                1,
                (
                    "at login what is typed is hashed and compared",
                    "to check it, the site <hashes the input/computes the hash again> and <compares/looks whether both agree>",
                    "the two hashes are <matched/compared> when somebody <signs/logs> in",
                ),
            ),
            Point(
                "Whoever steals the database does not get the passwords.",
                1,
                (
                    "whoever steals the <database/table> does not <get/see> the passwords",
                    "after a <leak/break-in> the <thief/attacker> has no <plain/real> passwords",
                    "even the <staff/admins> and hackers who read the data cannot <log in with it/use it as a password>",
                ),
            ),
            Point(
                "A salt makes equal passwords look different.",
                1,
                (
                    "a salt makes equal passwords <look different/have different hashes>",
                    "with <random salt/a random value added> two <users/people> with the same password get different hashes",
                    "salting <stops/defeats> ready-made tables <of hashes/>",
                ),
            ),
        ),
        (
            "a hash is <shorter/smaller>, so it saves disk space, that is the <only/whole> reason",
            "the hash can be <decrypted/turned back> by the site when the user <forgets it/asks>",
            "hashing makes the password <longer/stronger> while you type it",
            "a hash is a second <password/user name> that is sent by mail",
            "the site <compares/checks> the first letters only",
        ),
    ),
    Question(
        "How does binary search find a name in a long list?",
        (
            Point(
                "The list has to be sorted.",
                1,
                (
                    "the list has to be <sorted/in order>",
                    "it only works on <sorted/ordered> data",
                    "the names must stand in <alphabetical/some fixed> order <first/>",
                ),
            ),
            Point(
                "It looks at the entry in the middle.",
                1,
                (
                    "it looks at the <entry/name/element> in the middle",
                    "you <start/begin> with the middle <one/of the list> and compare",
                    "the wanted name is compared with the central <entry/element>",
                ),
            ),
            Point(
                "The half that cannot hold the name is left out, again and again.",
                1,
                (
                    "the half that cannot hold <the name/it> is <left out/thrown away/dropped>, again and again",
                    "then it goes on in the <left or right/lower or upper> half only",
                    "each <step/comparison> halves what is left to search",
                ),
            ),
            Point(
                "A million names take about twenty steps.",
                1,
                (
                    "a million names take <about/some> twenty steps",
                    "the number of steps grows with the logarithm of the <length/size>",
                    "it needs only log n <comparisons/steps>",
                ),
            ),
        ),
        (
            "it <reads/checks> every name from the first to the last",
            "it picks names <by chance/at random> until it is lucky",
            "the names are turned into <zeros and ones/binary numbers> and added up",
            "two people search at the same time, one from each end",
            "it <doubles/copies> the list in every step",
        ),
    ),
    Question(
        "How does TCP make sure that data arrives whole?",
        (
            Point(
                "The segments are numbered.",
                1,
                (
                    "the <segments/packets> are numbered",
                    "sequence numbers put <the pieces/everything> back in <order/the right order>",
                    "every <piece/packet> carries a number <so that the order is known/>",
                ),
            ),
            Point(
                "The receiver acknowledges what arrived.",
                1,
                (
                    "the receiver <acknowledges/confirms> what <arrived/it got>",
                    "an ACK is sent back for <the data received/each segment>",
                    "the other side <reports/answers> which <packets/bytes> have come",
                ),
            ),
            Point(
                "What is not acknowledged in time is sent again.",
                1,
                (
                    "what is not <acknowledged/confirmed> in time is sent <again/once more>",
                    "after a timeout the sender <repeats/retransmits> the <segment/missing part>",
                    "lost packets are <resent/sent a second time>",
                ),
            ),
            Point(
                "A checksum shows damage.",
                1,
                (
                    "a checksum <shows/reveals/finds> damage",
                    "<broken/damaged> data is <found/noticed> by its checksum",
                    "each segment is checked for errors with a checksum <and dropped if wrong/>",
                ),
            ),
        ),
        (
            "TCP uses <thicker/faster> cables than UDP",
            "it sends everything <three times/twice> from the start",
            "the <data/packet> waits in the router until the user clicks",
            "nothing can get lost <on the internet/in a network> anyway",
            "TCP <shrinks/zips> the data so that it cannot break",
        ),
        unseen=True,
    ),
    Question(
        "Why does the Moon show phases?",
        (
            Point(
                "The Sun always lights one half of the Moon.",
                1,
                (
                    "the Sun always <lights/shines on> one half of the Moon",
                    "half of the Moon is <bright/lit> at any time",
                    "one side, the one <towards/facing> the Sun, is <always lit/in daylight>",
                ),
            ),
            Point(
                "The Moon goes round the Earth in about a month.",
                1,
                (
                    "the Moon <goes/travels/moves> round the Earth <in about a month/every four weeks>",
                    "it orbits us <in some 29 days/once a month>",
                    "the Moon's place changes as it circles the Earth",
                ),
            ),
            Point(
                "From the Earth we see more or less of the lit half.",
                2,
                (
                    "from the Earth we see <more or less/a changing part> of the <lit/bright> half",
                    "how much of the bright side <is turned to us/we can see> depends on the angle <between Sun, Earth and Moon/>",
                    "sometimes the lit half faces us, sometimes it <faces/looks> away",
                ),
            ),
        ),
        (
            "the shadow of the Earth <falls on/covers> the Moon <every night/bit by bit>",
            "clouds <cover/hide> a part of the Moon",
            "the Moon <shrinks and grows/is eaten and comes back>",
            "the Moon <shines/glows> by itself and gets tired",
            "the Sun <goes out/is weaker> on some nights",
        ),
        unseen=True,
    ),
    Question(
        "Why does bread dough rise?",
        (
            Point(
                "Yeast feeds on sugar.",
                1,
                (
                    "yeast <feeds on/eats/digests> <sugar/the sugar in the dough>",
                    "the yeast cells <live on/ferment> sugar <from the flour/>",
                    "sugar is <fermented/broken down> by <yeast/the fungus>",
                ),
            ),
            Point(
                "It gives off carbon dioxide.",
                1,
                (
                    "it <gives off/makes/produces> carbon dioxide",
                    "CO2 <bubbles form/gas is set free>",
                    "the gas that is <made/produced> is carbon dioxide",
                ),
            ),
            Point(
                "Gluten holds the gas in bubbles.",
                1,
                (
                    "gluten <holds/traps/keeps> the gas in <bubbles/the dough>",
                    "the <sticky/stretchy> protein <net/network> does not let the <gas/bubbles> out",
                    "elastic gluten is blown up like <a balloon/many small balloons>",
                ),
            ),
            Point(
                "Warmth makes it go faster.",
                1,
                (
                    "warmth makes it <go faster/quicker>",
                    "in a warm <place/kitchen> the yeast works <faster/better>",
                    "in the fridge it <takes longer/is slow> because of the cold",
                ),
            ),
        ),
        (
            "the flour <soaks/drinks> water and swells, nothing else",
            "salt <explodes/boils> in the dough",
            "air is <sucked/pulled> in from the <room/oven> by the bowl",
            "yeast is a <powder of air/kind of glue> that pushes",
            "cold makes dough <rise/grow> faster",
        ),
        unseen=True,
    ),
)

# What earns nothing: about any question.
VAGUE = (
    "it is a matter of <physics/nature/how things work>",
    "we <talked about/did> this in <class/the lecture>",
    "it <depends/all depends> on <many things/the situation>",
    "there are several reasons <for this/for that>",
    "this is <well known/a known effect/an everyday thing>",
    "it has <something/a lot> to do with <energy/the surroundings/the way it is built>",
    "everyone has <seen/noticed> this at home",
    "I could <draw/show> it but not <explain/put it in words>",
    "that is what happens <in general/most of the time>",
    "it is <important/useful> to know this <in daily life/>",
)
OPENINGS = ("I think ", "I believe that ", "as far as I know, ", "in short: ", "well, ", "the reason: ", "basically, ")
LINKS = (". ", ". ", ". ", ". ", "; ", ", and ", ", also ", ". Besides, ", ". Then ")
