"""Word lists: counted nouns, descriptions, names of quantities, words that change a value.

They list what may be dropped, never what may not: an unknown word is not dropped.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Counted nouns. Words that change a value are not here.
COUNTED = _words("""
    answer solution way pair triple triplet tuple number integer digit zero root factor
    divisor multiple prime value element term subset permutation combination arrangement
    possibility choice outcome case function polynomial equation sequence set coefficient
    variable constant letter word string character symbol code password palindrome partition
    path route walk step move turn trip jump hop stop lap round match game tournament race
    point vertex vertices edge face side corner angle triangle square rectangle
    quadrilateral pentagon hexagon octagon polygon circle cube sphere cone cylinder pyramid
    prism line segment diagonal chord arc tangent plane region area section piece part slice
    strip layer row column cell grid tile block brick box shape figure intersection lattice
    asymptote intercept axis student pupil teacher boy girl child children man men woman
    women kid adult friend player team member worker employee driver passenger customer
    guest voter senator knight knave winner dancer runner swimmer rider soldier club group
    class family household couple committee officer house room floor door window table chair
    desk seat bed bench shelf shelves wall fence post pole book page chapter problem
    question test exam quiz card deck suit die dice coin ticket stamp marble ball bead chip
    token peg stick matche toothpick straw rope ribbon button sock shirt shoe hat coat pen
    pencil crayon marker paper sheet envelope poster photo picture painting apple orange
    banana pear peach plum cherry grape lemon mango berry strawberry watermelon potato
    potatoes tomato tomatoes carrot egg nut peanut cooky cake pie pizza candy chocolate
    sandwich burger muffin donut doughnut pancake bagel loaf loaves bread meal lunch dinner
    cup glass bottle can jar jug bucket barrel bag basket carton crate bowl plate spoon fork
    knife knives dog cat bird fish horse cow sheep goat pig chicken hen duck goose geese
    rabbit mouse mice rat frog toad snake lion tiger bear elephant monkey kangaroo ant bee
    beetle spider bug insect fly butterfly alpaca panda beaver squirrel fox wolf wolves deer
    animal pet leg wheel leaf leaves branch tree flower rose tulip plant seed bush garden
    field farm car truck bus bike bicycle train boat ship ride wagon carriage motorbike lamp
    light bulb signal machine engine computer phone battery toy doll kite balloon gift
    present prize medal trophy song album note beat drum piano guitar concert movie film
    show pts pt goal win loss shot hit run vote ballot hand head tail flip toss roll spin
    draw trial experiment event sample survey minute hour day night morning weekend season
    birthday anniversary item object thing unit copy type kind color colour size pattern
    design operation comparison iteration cycle period loop swap node state bit inversion
    transposition reflection rotation symmetry isometry monomial binomial trinomial fraction
    exponent time occurrence bacteria bacterium atom molecule particle electron
    neutron proton star planet city town village country street road bridge store shop
    company bank job task order delivery shift handshake seating interval level stair stone
    pebble tab fleck flock hare tortoise taxicab cab tower disk disc ring chain link knot
    quarter nickel dime penny bill
""")
#: Counted in the plural only: alone the word may be an operation on the value.
UNCOUNTED = _words("""
    quarter quarters score scores point power root zero square cube prime factor multiple
    fraction exponent function time tangent chord base term type kind copy double light hand
    roll order loss state reflection rotation loop period cycle triple triplet couple half
    note set inversion constant variable coefficient case value degree divisor subset
    sequence negative
""")
#: Words before a counted noun that do not change the count.
DESCRIBING = _words("""
    such positive negative nonnegative nonzero non real complex imaginary rational irrational
    integer integral whole natural prime composite even odd distinct different unique
    ordered unordered possible valid total consecutive perfect proper common equal congruent
    similar binary digit letter single small large big new old red blue green white black
    yellow brown pink purple orange gold golden silver grey gray colored coloured acute
    obtuse right isosceles equilateral scalene convex regular unit lattice interior exterior
    shaded unshaded dimensional handed legged sided linear quadratic cubic constant
    nontrivial trivial extra additional remaining full tennis soccer basketball baseball
    football hockey chess playing school birthday ice fruit mixed broken unbroken fresh ripe
    rotten male female young adult
""")
#: Words that change a value: never a unit, even if a gold uses them.
VALUE_WORDS = _words("""
    or and to not no nor between about approximately approx roughly nearly around least most
    than more less fewer over under above below minus plus times divided half halves third
    thirds quarter quarters dozen dozens score gross hundred hundreds thousand
    thousands million millions billion billions trillion trillions quadrillion quintillion
    mio mrd lakh crore negative positive squared cubed point base mod modulo if when for
    either maybe possibly probably perhaps except unless but through until up down onwards
    onward is are was equals equal wrong correct right incorrect true false none undefined
    infinity infinite impossible k bn mn mil kilo mega giga each other only by with without
    exactly almost off percentage percents pi tau radical root x factorial fourths fifths
    sixths sevenths eighths ninths tenths elevenths twelfths hundredths thousandths doubled
    tripled quadrupled halved twice thrice ish inverse reciprocal choose because since
    however binary octal decimal hexadecimal hex ternary repeating recurring rejected
    extraneous invalid excluded cancelled disqualified estimate estimated approximate
    approximated versus vs oder ou zero one two three four five six seven eight nine ten
    eleven twelve twenty thirty forty fifty sixty seventy eighty ninety sin cos tan log ln
    sine cosine tangent theta alpha beta so instead alternatively alternative increased
    decreased reduced
""")
#: Quantities that a label names.
QUANTITIES = _words("""
    answer solution result value total sum difference product quotient remainder area areas
    perimeter circumference volume surface length width height depth breadth thickness
    distance radius diameter base side edge face angle slope gradient intercept speed
    velocity acceleration rate time age weight mass cost price profit revenue income salary
    tax tip discount change average mean median mode range probability chance odds
    percentage percent number count amount quantity maximum minimum max min coefficient
    degree term limit determinant rank order variance deviation score temperature altitude
    hypotenuse leg diagonal midpoint center centre vertex focus period amplitude frequency
    phase power energy force work density pressure discriminant constant norm magnitude
    modulus argument expression digit digits ratio proportion fraction interest balance
    capacity points ways possibilities outcomes solutions roots root zeros factors divisors
    terms integers pairs measure size rest ones tens units eigenvalue expectation
""")
#: Words in a label besides the quantity.
GLUE = _words("""
    the a an of is are was equals equal to be in for this our my so therefore thus hence
    final correct required requested desired exact simplified overall shaded given new first
    second third fourth fifth last next largest smallest greatest least longest shortest
    highest lowest common total combined remaining expected lateral surface all possible
    here that which must will and x y n
""")
#: What a quantity belongs to: `area of triangle ABC`.
SHAPES = _words("""
    triangle square rectangle circle sphere cube cone cylinder prism pyramid trapezoid
    trapezium parallelogram rhombus kite polygon pentagon hexagon octagon quadrilateral
    region sector segment line arc chord box figure shape solid ellipse parabola hyperbola
    sequence series set matrix polynomial function equation system graph problem question
""")
