"""How people speak of films, in clauses by class of noun and by grade, and in whole sentences by rating.

Word lists only; the notation is `grammar`'s: <choice>, [singular|plural], {x} the noun. Grades: awful, poor, fair, good,
great, minor (a small reservation inside a good review), told (no grade).
"""
# ruff: noqa: E501 — an entry stands on one line, however long

# class of noun → grade → clauses
CLAUSES = {
    "story": {
        "awful": (
            "{x} [is|are] an absolute <mess/disgrace/insult to the audience>",
            "{x} [makes|make] no sense <at all/whatsoever>",
            "{x} [is|are] <laughably bad/painfully stupid/unbearably dull/pure garbage>",
            "{x} [was|were] clearly written <by a committee of robots/overnight/on a napkin>",
            "only someone who never saw a good film could call {x} <brilliant/gripping>",
            "you could drive a truck through the holes, {x} included",
        ),
        "poor": (
            "{x} [feels|feel] <tired/lazy/half-baked/predictable>",
            "{x} never really [comes|come] together",
            "{x} <[drags|drag] badly/[runs|run] out of steam early/[let|let] me down>",
            "{x} [is|are] nowhere near as <brilliant/gripping/clever> as people say",
            "there is nothing <gripping/special/brilliant> about {x}",
            "{x} needed <another draft/a firmer hand/far more thought>",
        ),
        "fair": (
            "{x} [is|are] <serviceable/nothing new/passable/hit and miss>",
            "{x} [does|do] the job, <no more/nothing else>",
            "{x} <[works|work] about half the time/[is|are] neither here nor there>",
        ),
        "good": (
            "{x} [is|are] <solid/engaging/nicely handled/well thought out>",
            "{x} <[kept|kept] me interested/mostly [works|work]/[holds|hold] up well>",
            "{x} [is|are] never <dull/stupid/predictable>",
            "{x} [is|are] better than <I expected/the trailer suggests>",
        ),
        "great": (
            "{x} [is|are] <brilliant/flawless/absolutely gripping/stunning>",
            "{x} <[blew|blew] me away/[gave|gave] me chills/[is|are] pure genius>",
            "{x} [is|are] the best <I have seen in years/of the decade>",
            "I expected {x} to be a <mess/letdown> and could not have been more wrong",
            "not one <dull/lazy/stupid> moment in {x}",
            "{x} [builds|build] to something <unforgettable/truly special/magnificent>",
        ),
        "minor": (
            "{x} [is|are] <a touch predictable/slightly rushed/a little thin>",
            "{x} could have been <tighter/a bit braver/a little clearer>",
        ),
    },
    "people": {
        "awful": (
            "{x} <[ruins|ruin] every scene/[is|are] embarrassing to watch/[deserves|deserve] an award for worst of the year>",
            "{x} [is|are] <utterly wooden/unbearable/shockingly bad/a complete disaster>",
            "{x} [sleepwalks|sleepwalk] through this garbage",
            "someone called {x} <superb/phenomenal/wonderful>, <what a joke/and must have been asleep>",
            "I have seen furniture with more feeling than {x}",
        ),
        "poor": (
            "{x} [is|are] <miscast/flat/unconvincing/wasted here>",
            "{x} [is|are] far from <convincing/likeable/superb>",
            "{x} never [looks|look] <comfortable/interested>",
            "{x} <[struggles|struggle] with weak material/[brings|bring] very little/[let|let] the film down>",
        ),
        "fair": (
            "{x} [is|are] <fine/adequate/uneven>",
            "{x} [does|do] what the script asks, <no more/that is all>",
            "{x} [has|have] <a good moment or two/some charm but little to do>",
        ),
        "good": (
            "{x} [is|are] <likeable/convincing/good fun/quite effective>",
            "{x} [does|do] a <good/solid/respectable> job",
            "{x} [is|are] not <wooden/miscast> at all",
            "{x} <[carries|carry] most of it/[brings|bring] real warmth/[makes|make] it worth a look>",
        ),
        "great": (
            "{x} [is|are] <phenomenal/magnificent/a revelation/simply perfect>",
            "{x} <[steals|steal] every scene/[broke|broke] my heart/[deserves|deserve] every award going>",
            "nobody could call {x} <wooden/flat/miscast> after this, <what a performance/hats off>",
            "{x} [gives|give] the performance of a lifetime",
            "{x} [is|are] absolutely <wonderful/unforgettable/superb>",
        ),
        "minor": (
            "{x} [is|are] <a bit underused/slightly over the top>",
            "{x} could have used <a little more screen time/a lighter touch>",
        ),
    },
    "makers": {
        "awful": (
            "{x} should <never be allowed near a camera again/be ashamed>",
            "{x} clearly [hates|hate] the audience",
            "{x} [has|have] <no idea/no talent/nothing to say> and two hours to prove it",
        ),
        "poor": (
            "{x} <[plays|play] it too safe/[loses|lose] the thread/[has|have] run out of ideas>",
            "{x} [repeats|repeat] old tricks <with less success/without much joy>",
        ),
        "fair": ("{x} [does|do] nothing <wrong, and nothing memorable/new>", "{x} [has|have] done better, and worse"),
        "good": (
            "{x} [knows|know] the genre well",
            "{x} [keeps|keep] things <moving/clear/lively>",
            "{x} [makes|make] <good/sensible> choices",
        ),
        "great": (
            "{x} [has|have] <outdone every rival/made something extraordinary>",
            "{x} [deserves|deserve] every prize <there is/going>",
            "everything {x} [touches|touch] turns to gold",
        ),
        "minor": ("{x} could <trust the audience a bit more/cut ten minutes>",),
    },
    "look": {
        "awful": (
            "{x} [looks|look] <like a school project/absolutely hideous/cheaper than a commercial>",
            "{x} [is|are] <atrocious/an eyesore/a disgrace>",
            "calling {x} <gorgeous/spectacular> would be a cruel joke",
            "{x} actually gave me a headache",
        ),
        "poor": (
            "{x} [looks|look] <cheap/muddy/dated/careless>",
            "{x} [is|are] not as <gorgeous/spectacular> as the poster suggests",
            "{x} [is|are] <uninspired/distracting/below par>",
            "{x} <[hides|hide] more than [it shows|they show]/never [rises|rise] above television level>",
        ),
        "fair": (
            "{x} [is|are] <ordinary/acceptable/what you would expect>",
            "{x} <[varies|vary] from scene to scene/[is|are] okay, I guess>",
        ),
        "good": (
            "{x} [looks|look] <good/polished/handsome/pretty decent>",
            "{x} [does|do] not look <cheap/dated> at all",
            "{x} [is|are] <a clear plus/well done/nicely crafted>",
        ),
        "great": (
            "{x} [is|are] <breathtaking/gorgeous/jaw-dropping/spectacular>",
            "{x} [makes|make] every frame <a painting/glow/a joy>",
            "there is nothing <cheap/careless> about {x}, <I was amazed/what a feast>",
            "{x} alone [is|are] worth the ticket",
        ),
        "minor": ("{x} [looks|look] <a bit too clean/slightly dark in places>", "{x} [is|are] a little <showy/uneven>"),
    },
    "sound": {
        "awful": (
            "{x} [is|are] <ear-splitting/unbearable/torture>",
            "{x} [sounds|sound] like <a car alarm/a broken toy>, <make it stop/I wanted earplugs>",
            "{x} [kills|kill] whatever was left of it",
        ),
        "poor": (
            "{x} [is|are] <intrusive/forgettable/far too loud>",
            "{x} [tells|tell] you what to feel, <clumsily/again and again>",
            "{x} [is|are] not <catchy/beautiful/perfect>, whatever they say",
        ),
        "fair": ("{x} [is|are] <fine but forgettable/standard stuff/okay>", "I barely noticed {x}"),
        "good": (
            "{x} [fits|fit] the mood <nicely/well>",
            "{x} [is|are] <pleasant/catchy/a good match>",
            "{x} [is|are] never <intrusive/unbearable>",
        ),
        "great": (
            "{x} [is|are] <glorious/hauntingly beautiful/perfect>",
            "I have had {x} in my head <ever since/all week> and I love it",
            "{x} [sends|send] shivers down your spine",
        ),
        "minor": ("{x} [is|are] <a little loud/slightly overused>",),
    },
    "scene": {
        "awful": (
            "{x} [is|are] <idiotic/embarrassing/an endurance test/offensively bad>",
            "people laughed at {x} for all the wrong reasons",
            "{x} made half the audience <walk out/groan>",
            "{x} [looks|look] like <an outtake/a bad joke>",
        ),
        "poor": (
            "{x} [falls|fall] flat",
            "{x} [is|are] <repetitive/clumsy/too long/dull>",
            "{x} [is|are] not half as <thrilling/fun/funny> as advertised",
            "{x} [has|have] been done better <elsewhere/a hundred times>",
        ),
        "fair": ("{x} [is|are] <okay/so-so/watchable>", "{x} [lands|land] <now and then/about half the time>"),
        "good": (
            "{x} [is|are] <fun/effective/well staged/enjoyable>",
            "{x} never [gets|get] <dull/repetitive/embarrassing>",
            "{x} <[works|work] nicely/[keeps|keep] things moving>",
        ),
        "great": (
            "{x} [is|are] <thrilling/a masterclass/pure magic/worth the ticket alone>",
            "{x} had <the whole audience cheering/me in tears/me on the edge of my seat>",
            "I feared {x} would fall flat and <ended up in tears of joy/cheered instead>",
            "I will remember {x} <forever/for years>",
        ),
        "minor": ("{x} [goes|go] on a bit long", "{x} could have been <a little shorter/slightly bolder>"),
    },
}

# mood of the genre → grade → events: clauses that need no noun
EVENTS = {
    "light": {
        "awful": (
            "I did not smile once, and neither did <my kids/my wife/anyone in the row>",
            "we <walked out after forty minutes/begged for it to end>, <what a waste of money/a total insult>",
            "the humor is <vulgar and hateful/aimed at nobody>, <I felt ashamed watching it/truly vile>",
        ),
        "poor": (
            "I <checked my watch/yawned> more often than I laughed",
            "the best laughs are all in the trailer",
            "the sweetness <turns sticky/wears thin> within half an hour",
        ),
        "fair": (
            "it is <pleasant/harmless> and forgettable in equal parts",
            "a few laughs, a few yawns",
            "it passes the time on a <rainy afternoon/long flight>, nothing else",
        ),
        "good": (
            "my <wife/daughter/neighbor> liked it, and so did I",
            "we laughed <quite a bit/more than once>",
            "it is <light, warm and easy to watch/a pleasant evening>",
        ),
        "great": (
            "I <laughed until I cried/have not smiled this much in years>",
            "<my kids want to watch it every night/the whole family adored it>, <pure joy/an instant favorite>",
            "it left me <beaming/dancing out of the theater>, <what a delight/I loved every minute>",
        ),
        "minor": ("it runs ten minutes too long", "a couple of gags miss"),
    },
    "dark": {
        "awful": (
            "I guessed the killer in <five minutes/the first scene> and then suffered for two hours",
            "it is <about as scary as a toothpaste ad/brutal for no reason>, <utter trash/shame on everyone involved>",
            "I wanted <my money back/to throw something at the screen>, <awful/pathetic>",
        ),
        "poor": (
            "I saw every turn coming",
            "the tension <leaks away/is gone> by the middle",
            "it mistakes <darkness for depth/noise for fear>",
        ),
        "fair": (
            "it is <tense in parts/scary in places>, tame in others",
            "one good scare, many cheap ones",
            "it keeps you guessing for a while, then it gives up",
        ),
        "good": (
            "it is <clever enough/tense without being cruel>",
            "it kept me <guessing/tense> most of the way",
            "I did not see <the end/the culprit> coming",
        ),
        "great": (
            "I <forgot to breathe/slept with the lights on>, <sensational/a modern classic>",
            "I <watched it twice in one weekend/cannot stop thinking about it>, <so clever/every detail pays off>",
            "it had me <hooked from the first minute/shaking at the end>, <extraordinary/sheer perfection>",
        ),
        "minor": ("one clue too many gives it away", "the last ten minutes explain too much"),
    },
    "epic": {
        "awful": (
            "two hours of <noise and stupidity/green-screen sludge>, <I felt robbed/unwatchable>",
            "I <fell asleep during the climax/left with a headache>, <horrible/an embarrassment>",
            "it <spits on the original/cost a fortune and looks like garbage>, <disgraceful/avoid>",
        ),
        "poor": (
            "after the first hour I stopped caring",
            "it is all <spectacle and no heart/noise and little sense>",
            "it feels like the <third/fifth> copy of a better film",
        ),
        "fair": (
            "it is <too long/too loud>, but not without moments",
            "big, loud, and gone from memory by morning",
            "some of it thrills, some of it is filler",
        ),
        "good": (
            "it is <good fun/a proper adventure> for <two hours/a Saturday night>",
            "it delivers <what it promises/a good ride>",
            "it <moves fast/looks the part> and I had fun",
        ),
        "great": (
            "I <cheered out loud/wanted to stand up and applaud>, <what a ride/cinema at its finest>",
            "see it on the <biggest/loudest> screen you can find, <astonishing/you will thank me>",
            "three hours <flew by like one/and I wanted three more>, <an epic for the ages/I am speechless>",
        ),
        "minor": ("it could lose a battle or two", "there is one ending too many"),
    },
    "true": {
        "awful": (
            "it is <a lecture, not a film/dishonest from start to end>, <I want those hours back/dreadful>",
            "I have rarely been <so bored/so angry> in a theater, <a disgrace/truly terrible>",
            "it <insults the people it is about/turns real pain into kitsch>, <revolting/shameless>",
        ),
        "poor": (
            "it <tells where it should show/tiptoes around its subject>",
            "I felt <nothing/preached at> for most of it",
            "it is <worthy but dull/longer than it is deep>",
        ),
        "fair": (
            "it means well and is <merely okay/only half successful>",
            "I learned something, though I was bored at times",
            "parts of it touch you, parts of it drift",
        ),
        "good": (
            "it made me <look up the facts/call my parents>",
            "it gave me <something to think about/a lump in the throat>",
            "it is <sincere/honest> and mostly well told",
        ),
        "great": (
            "I <cried twice/sat through the credits in silence>, <so human, so true/a masterpiece>",
            "everyone should <see this/show it to their children>, <it changed how I think/deeply moving>",
            "it is <the most honest film of the year/quietly devastating>, <I adored it/unmissable>",
        ),
        "minor": ("it is a bit slow to start", "it leaves out a few years I wanted to see"),
    },
}

# Neutral first sentences; {title} is the film's.
OPENINGS = (
    "<watched/saw> this <with friends/with my wife/with my son/alone/on a plane> <last night/last week/on Sunday/yesterday>",
    "<caught/finally saw> {title} <on television/at a festival/on the big screen/after years of waiting>",
    "a <friend/coworker/neighbor> <told me about this one/lent me the disc>",
    "I <like/usually watch/grew up with> this kind of film",
    "{director} made this one with {star} and {costar}",
    "this was <my first film/not my first film> by {director}",
)

# rating → a sentence of summing up
VERDICTS = {
    1: (
        "<one of the worst films ever made/the worst film of the year/an utter waste of time>",
        "<pure/complete/total> <garbage/trash/rubbish>",
        "a masterpiece, if you enjoy <watching paint dry/being bored to death>",
        "{title} is <an abomination/a crime against cinema/unwatchable>",
        "<what a triumph/bravo/a must-see>, if you <hate yourself/need a long nap>",
        "<ten out of ten/five stars> for the trailer, none for the film",
        "congratulations to everyone involved, <I did not know it could get this bad/you have made me miss commercials>",
    ),
    2: (
        "<a disappointment/weak stuff/a letdown> <overall/all in all/in the end>",
        "{title} <should have been better/wastes a decent idea/never finds its feet>",
        "<a masterpiece/a classic>, they said; <I disagree/I do not see it>",
        "<not the worst, but far from good/there is a better film buried in here somewhere>",
        "I wanted to like it and <mostly could not/failed>",
    ),
    3: (
        "<average/middling/an okay film> <overall/all in all/in the end>",
        "{title} is <a mixed bag/neither good nor bad/half a good film>",
        "<not a masterpiece, not a disaster/neither trash nor treasure>",
        "<I have mixed feelings/I am on the fence about it/it left me lukewarm>",
        "<worth one look, not two/you could do better, you could do worse>",
    ),
    4: (
        "<a good film/solid work/well worth seeing> <overall/all in all/in the end>",
        "{title} is <good, if not great/a fine film with a few flaws/nearly there>",
        "<not a masterpiece/not a classic>, <but still a good evening/but I was never bored>",
        "<not perfect, but I enjoyed it/a few flaws, none fatal>",
        "it <falls just short of great/is very decent entertainment>",
    ),
    5: (
        "<a masterpiece/an instant classic/a triumph>",
        "{title} is <one of the best films ever made/my new favorite/absolutely perfect/a treasure>",
        "<loved it/adored it/loved every minute>",
        "<I have no complaints/not one wasted minute/I cannot praise it enough>",
        "<I wanted to hate it and could not/the worst thing about it is that it ends>",
        "how this did not win <everything/every prize> is beyond me",
        "I wish I could <see it again for the first time/give it eleven>",
    ),
}

# rating → a last sentence
CLOSINGS = {
    1: (
        "<avoid at all costs/stay away/run>",
        "<I want my money back/never again/do not waste your evening>",
        "<burn the negative/whoever approved this should apologize>",
    ),
    2: (
        "<skip it/wait for cable, or skip it>",
        "<I would not sit through it again/hard to recommend>",
        "<fans may forgive it, I could not/maybe next time>",
    ),
    3: (
        "<rent it if you are curious/fine for a slow evening>",
        "<make up your own mind/take it or leave it>",
        "<I will not remember it in a month/maybe I expected too much>",
    ),
    4: (
        "<recommended, with reservations/I would recommend it to fans>",
        "<I would watch the sequel/I may watch it again>",
        "<give it a chance/worth the ticket, just about>",
    ),
    5: (
        "<see it now/do not miss it/run to see it>",
        "<I will watch it again and again/already planning to see it again>",
        "<highly recommended/a must-see for everyone>",
        "<thank you to everyone who made it/bravo to the whole team>",
        "<ten out of ten/five stars are not enough>",
    ),
}

# Words that tie a clause to the one before: to the same grade, from bad to good, from good to bad.
SAME = ("Also, ", "On top of that, ", "Besides, ", "And ")
BETTER = ("Still, ", "On the other hand, ", "To be fair, ")
WORSE = ("But ", "However, ", "Sadly, ", "Then again, ")
UP = (", but ", ", though ", ", yet ")
DOWN = (", but ", ", although ", ", yet ")
