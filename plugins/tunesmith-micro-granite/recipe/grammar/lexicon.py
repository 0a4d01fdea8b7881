"""Words for the slots that all kinds of business have."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in text.split(";") if word.strip())


CAST = {
    "name": _words("""
        Maria; James; Priya; Tom; Elena; Marcus; Sofia; Ahmed; Grace; Liam; Chloe; Diego; Hannah;
        Victor; Naomi; Patrick; Yuki; Olga; Samuel; Tara; Kevin; Amelia; Jorge; Ruth; Dylan; Fatima;
        Colin; Beth; Andre; Megan; Oscar; Irene; Kwame; Laura; Nadia; Simon; Wendy; Pavel; Rosa;
        Ethan; Joanne; Mr. Patel; Mrs. Doyle; Miss Carter; Mr. Chen; Ms. Alvarez"""),
    "client": _words("""
        my son; my daughter; my husband; my wife; my mother; my father; my sister; my brother; our
        toddler; my grandmother; my grandson; my niece; my nephew; my partner; my best friend; my
        elderly aunt; our little boy; our little girl; my teenage son; my neighbor; my roommate; our
        youngest; our eldest; my mom; my dad; my colleague; my nervous little one; our baby; my
        four-year-old; our five-year-old"""),
}

LEXICON = {
    "day": _words("Monday; Tuesday; Wednesday; Thursday; Friday; Saturday; Sunday"),
    "when": _words("""
        last week; yesterday; this morning; last month; on Saturday; two weeks ago; today; over the
        holidays; this afternoon; last Thursday; in March; before Christmas; last summer; the other
        day; on my birthday; during the lunch hour; on a busy Friday; a few days ago"""),
    "wait": _words("""
        forty minutes; an hour; over an hour; ninety minutes; two hours; 45 minutes; nearly two
        hours; three hours; 50 minutes; an hour and a half; 75 minutes"""),
    "short": _words("""
        ten minutes; five minutes; a couple of minutes; fifteen minutes; a quarter of an hour; eight
        minutes"""),
    "days": _words("""
        three days; a week; ten days; two weeks; a month; six days; nearly a month; five weeks"""),
    "price": _words("""
        $85; $120; $60; $45; $200; $310; $75; $150; $95; $1,200; $38; $64; $240; $500"""),
    "fee": _words("$20; $15; $10; $35; $25; $8; $40; $12; $50"),
    "number": _words("two; three; four; five; six"),
    "times": _words("""
        twice; three times; four times; several times; half a dozen times; countless times"""),
    "nice": _words("""
        friendly; kind; polite; courteous; patient; gentle; attentive; helpful; warm; welcoming;
        considerate; thoughtful; professional; knowledgeable; sweet; lovely; respectful; caring;
        compassionate; cheerful; skilled; skillful; competent; reassuring; understanding;
        accommodating; sincere; honest; trustworthy; efficient; talented; meticulous; obliging;
        calm; soft-spoken; good-humored; good-natured; personable; approachable; conscientious;
        diligent; dedicated; experienced; generous; gracious; tactful; thorough; dependable;
        affable; kindhearted; easygoing; tender; soothing; well-mannered; hospitable; sympathetic;
        delightful; upbeat; wonderful; amazing"""),
    "nasty": _words("""
        rude; impolite; unfriendly; unhelpful; impatient; dismissive; arrogant; careless; rough;
        cold; indifferent; unprofessional; incompetent; clueless; lazy; condescending; snooty;
        hostile; aggressive; grumpy; surly; abrupt; sloppy; dishonest; disrespectful; uncaring;
        curt; inattentive; short-tempered; pushy; snappy; sarcastic; clumsy; inexperienced;
        untrained; ill-mannered; discourteous; distracted; uninterested; heartless; harsh;
        inconsiderate; sullen; sour; brusque; moody; bad-tempered; patronizing; callous;
        heavy-handed; negligent; thoughtless; unsympathetic; unwelcoming; forgetful; disorganized;
        scatterbrained; stubborn; evasive; smug; mean; awful"""),
    "good": _words("""
        excellent; great; superb; fantastic; wonderful; flawless; outstanding; brilliant; perfect;
        impeccable; terrific; first-rate; top-notch; exceptional; fabulous; marvelous; amazing;
        awesome; stellar; splendid; impressive; remarkable; exquisite; faultless; spotless; neat;
        beautiful; gorgeous; lovely; reliable; solid; second to none; of the highest standard;
        stunning; magnificent; really good; very good; spot on; better than expected;
        unbeatable; phenomenal; immaculate; commendable; satisfying; incredible; sensational; as
        good as it gets; beyond my expectations; pretty great; a real treat; tidy; precise"""),
    "bad": _words("""
        terrible; awful; dreadful; horrible; poor; disappointing; mediocre; shoddy; sloppy;
        substandard; abysmal; atrocious; appalling; pathetic; unacceptable; lousy; botched; uneven;
        subpar; inferior; second-rate; unsatisfactory; a mess; a disgrace; a disaster; laughable;
        ruined; slapdash; amateurish; crooked; below average; not up to standard; a letdown;
        underwhelming; inadequate; deplorable; defective; faulty; unreliable; disgraceful;
        inexcusable; horrendous; a nightmare; careless; rushed; half-finished; not good enough;
        worse than before; unfinished; pitiful; woeful; dismal; hopeless; a shambles; inconsistent;
        very poor; really bad; crappy"""),
    "good_adj": _words("""
        excellent; great; superb; fantastic; wonderful; flawless; outstanding; perfect; brilliant;
        impeccable; terrific; first-rate; top-notch; exceptional; fabulous; marvelous; amazing;
        awesome; stellar; splendid; impressive; remarkable; lovely; delightful; positive; pleasant;
        incredible; phenomenal; memorable; unforgettable; really good; very good; satisfying"""),
    "bad_adj": _words("""
        terrible; awful; dreadful; horrible; poor; disappointing; mediocre; shoddy; sloppy; abysmal;
        atrocious; appalling; pathetic; unacceptable; lousy; substandard; subpar; inferior;
        underwhelming; inadequate; deplorable; disgraceful; inexcusable; horrendous; unpleasant;
        nasty; miserable; painful; stressful; traumatic; frustrating; horrific; infuriating;
        negative; dismal; disastrous; humiliating; upsetting; really bad; very bad; ghastly; rotten;
        unsatisfactory"""),
    "crew": _words("""
        the staff; the team; the people here; everyone there; the employees; they; the crew; all of
        them; the folks there; the ladies there; the guys there"""),
    "lovely": _words("""
        cozy; bright; spacious; inviting; modern; comfortable; relaxing; peaceful; calm; charming;
        elegant; stylish; spotless; cheerful; tranquil; airy; welcoming; well-kept; tidy; pleasant;
        homely; tasteful; serene; sparkling; quiet; beautiful; well-lit; immaculate; warm;
        attractive; delightful; stress-free; family-friendly; clean; fresh; pretty; orderly"""),
    "grim": _words("""
        filthy; dingy; cramped; noisy; shabby; run-down; chaotic; gloomy; dirty; smelly; stuffy;
        freezing; grimy; overcrowded; dated; depressing; neglected; messy; uncomfortable; dark;
        drafty; damp; unwelcoming; stressful; moldy; disgusting; cluttered; dusty; sticky; worn-out;
        tired; grubby; loud; hot and airless; crowded; falling apart; unpleasant; sterile"""),
    "glad": _words("""
        happy; delighted; thrilled; pleased; impressed; relieved; grateful; satisfied; overjoyed;
        ecstatic; content; comfortable; reassured; thankful; amazed; chuffed; tickled pink; over the
        moon; at ease; in good hands; blown away; pleasantly surprised; confident; charmed; well
        looked after; so happy; very pleased; truly thankful; glad; cheered up; proud"""),
    "upset": _words("""
        upset; furious; disappointed; angry; frustrated; disgusted; annoyed; livid; outraged;
        appalled; shocked; let down; cheated; ripped off; dissatisfied; unhappy; miserable;
        heartbroken; horrified; stressed; irritated; embarrassed; humiliated; ignored; insulted; fed
        up; worried sick; anxious; devastated; exasperated; unimpressed; uneasy; mortified;
        displeased; dismayed; frightened; bitter; betrayed; robbed; unwelcome; disheartened; very
        disappointed"""),
    "well": _words("""
        carefully; gently; beautifully; perfectly; expertly; promptly; skillfully; neatly;
        patiently; brilliantly; professionally; lovingly; flawlessly; superbly; thoroughly;
        cheerfully; efficiently; wonderfully; properly; with great care; with real skill; to
        perfection; kindly; quickly and well; precisely; tenderly; smoothly; respectfully;
        conscientiously; diligently"""),
    "poorly": _words("""
        carelessly; roughly; badly; poorly; clumsily; sloppily; terribly; horribly; hastily;
        thoughtlessly; recklessly; dreadfully; impatiently; unevenly; negligently; without any care;
        in a rush; half-heartedly; grudgingly; harshly; lazily; wrongly; crudely; appallingly;
        incompetently; with no attention to detail; inadequately; aggressively"""),
    "very": _words("""
        very; really; so; extremely; incredibly; truly; absolutely; thoroughly; utterly; totally;
        completely; genuinely; remarkably; exceptionally; unbelievably; seriously; quite"""),
    "virtue": _words("""
        patience; kindness; professionalism; attention to detail; skill; honesty; care; dedication;
        warmth; expertise; courtesy; efficiency; thoughtfulness; generosity; friendliness;
        gentleness; compassion; reliability; consistency; punctuality; good humor; talent;
        integrity; flexibility; understanding; transparency; know-how; hospitality; hard work; calm
        manner"""),
    "vice": _words("""
        rudeness; carelessness; arrogance; incompetence; indifference; laziness; impatience;
        dishonesty; disrespect; negligence; hostility; sloppiness; roughness; disorganization;
        apathy; lack of care; lack of respect; lack of training; bad attitude; greed;
        unprofessionalism; clumsiness; excuses; lies; inattention; chaos; poor manners;
        unreliability; attitude"""),
}

LEAD_INS = _words("""all in all,; overall,; in short,; on the whole,; at the end of the day,;
    to sum up,;
    bottom line:; in the end,; in a word:; all things considered,; honestly,; to be honest,;
    frankly,;
    in my opinion,; as far as I'm concerned,; for me,; simply put,; long story short,""")
LEAD_INS = tuple(lead + " " for lead in LEAD_INS)

NEUTRAL = tuple(
    line.strip()
    for line in """
    I went there {when} with {client}
    we live just around the corner
    this was my first visit
    I have been coming here for {number} years
    I booked the {service} {when}
    {client} came along with me
    I found them on the internet
    a coworker told me about this {place}
    I had a {day} appointment
    we were in town for a wedding
    I arrived at {number} o'clock
    the {place} is next to the post office
    I used to go somewhere else before I moved here
    I am writing this after our second visit
    it was a rainy {day} and I had the afternoon off
    I paid by card and left
    {client} needed the {service} before a family party
    I called ahead to ask about their opening hours
    we came in for the {service}
    I don't usually write reviews
    here is what happened {when}
    I dropped by after work
    the {role} asked for my name and phone number
    I had a voucher from my birthday
    I tried this {place} because my usual one was closed for the holidays
    I was there for about an hour
    there are {number} branches in our area
    we have lived in this neighborhood since the spring
    {name} dealt with us
    I am new to the area
    my cousin used to work here
    it was my turn to organize the {service}
    I moved to this part of the city in the fall
    the appointment was for {client}
    I was the first customer of the day
    I have tried {number} places in this town
    I wore my blue jacket and took the bus
    they had changed owners since my last visit
    for context, I use a {place} about once a month
    the {service} was a gift from {client}
    I did some research beforehand
    I brought a list of questions
    {client} waited outside in the car
    I sent them a message on {day}
    we filled in a form and handed it over
""".splitlines()
    if line.strip()
)
