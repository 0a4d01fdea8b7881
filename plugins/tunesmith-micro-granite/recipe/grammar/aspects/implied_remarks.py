"""Whole remarks and short stories that imply the verdict."""

from __future__ import annotations

PHRASES = """
@ special
+ I was going to complain about the parking, then {client} came out beaming and I forgot
+ I wanted to write something critical so that the slots stay free. I have nothing
+ please stop telling people about this place, I can hardly get a slot anymore
+ warning: you will have to cancel your old {place}
+ the only thing that hurt was the walk back to the car
+ I have changed dentists, banks and husbands, but never this {place}
+ rumor has it they make mistakes. I would not know
+ there was a problem. Then {name} made a call. There was no problem
+ five stars, because there is no sixth
+ I came for a quick look. That was nine years ago
+ my husband said nobody could fix it. My husband was wrong, and he is the one who told me to
    write this
+ they lost my umbrella and bought me a new one. I had not even asked
+ not cheap, not close, not easy to park. I would not dream of going elsewhere
+ I feared the worst. The worst did not come. Neither did the second worst
+ the last place made {client} cry. This one had to remind us to leave
+ first I was told they were full. Then they heard it was for {client} and they were not full
    anymore
+ if only my bank picked up the phone like this
+ who calls back on a Sunday? These people
@ story
+ {client} shook all the way there. {staff} put the tools away and talked about trains for ten
    minutes. On the way home {client} asked when we could go again | care
+ I told them about the bad fall in spring. They wrote it down. Four visits later they still lower
    the chair without a word | care
+ my grandmother's hands are like paper. {staff} filed each nail as if it were porcelain. She wore
    her rings to dinner that night | care
+ we turned up on the wrong day with a crying baby. Nobody said a word about it. Twenty minutes
    later we were done | booking
+ I broke the heel on the way to a wedding. {staff} looked up, put lunch aside and held out a
    hand. I made it to the church | overall
+ the last {place} had charged us {fee} for being four minutes late. Here we were stuck in traffic
    for twenty. They said drive safely | booking
+ I asked whether I needed the full package. {staff} shook the head and pointed at the cheapest
    line on the board | price
+ I got to the car and saw that they had charged me too little. I went back in. They told me to
    keep it | price
+ the phone rang the next evening. It was {name}, asking whether the swelling had gone down. It
    had | communication
+ I mentioned once that the left side pulls. A year later, with somebody new, it was still in the
    notes | communication
+ we had a 4:30 slot. At 4:10 my phone buzzed: we are running ten late, have a coffee on us |
    speed
+ I sat down, picked up a magazine and put it back. My name had been called | speed
+ it rained in for six winters. They came once. It has rained a lot since, outside | quality
+ the coat was my father's and the lining hung in strips. I wore it on Sunday. My brother thought
    I had found another one | quality
+ we only tried them because our usual {place} had shut. It has opened again. We have not been
    back there | overall
+ they moved across town in May. We looked at a map, shrugged and got in the car | overall
+ a button came off while they had it. I would never have known. They told me, and sewed on all
    six anew | staff
@ special
- sure, mistakes happen. I just wonder why they all happen to me, and all here
- congratulations, you have turned a ten-minute job into a lifetime memory
- well, at least the parking was free
- the good news: it grows back. The rest is bad news
- I only asked for a receipt. You would think I had asked for a kidney
- they have a loyalty card. I suppose they need it
- the tea was hot. I am trying to be fair
- I was told {name} is the best they have. I believe it, and that is the problem
- five stars for the sign outside. It promises a lot
- oh, they called back all right. To ask for the money
- thank you for the free piercing. I had come for something else
- they apologized by text. To the wrong person
- the website says they love what they do. It must be something other than this
- relaxing, it says in the window. For whom?
- is it too much to ask that someone reads the form?
- would you send your own mother there? Neither would I, again
- they asked how we had heard about them. I wish we hadn't
- my review got a reply within the hour. My phone calls have been waiting since spring
- please, just once, start on time
- they did everything they could. It was not much
- I must say they were quick. To take the money, to show us out, to forget our name
- what a talented bunch. It takes talent to get a straight line that wrong
@ story
- I said three times not to touch the left side. I wrote it down as well. Guess which side is
    bandaged now | care
- the door closed and the crying started. I knocked. I was told that parents wait outside | care
- my grandmother asked for a glass of water. They said in a minute. That was at ten, and we left
    at noon | care
- she came out with her cardigan buttoned wrong and one shoe. I asked where the other was. They
    asked if I was sure there had been two | care
- it looked all right in their light. Then I got outside. I turned around, and the door was
    already locked | quality
- the armchair was my great-grandfather's. It came back on a {day}, wobbling. They said antiques
    do that | quality
- I wanted the ends done, nothing more. I sat down with a braid. I stood up without one | quality
- they came, they looked, they said it was fixed. They left. I turned it on. They were already
    around the corner | quality
- we booked in April, paid in April and confirmed in April. In May we stood in front of a locked
    door | booking
- my daughter was in the hospital, so I called to cancel. They said they understood. The no-show
    fee went out the same night | price
- we agreed on {price}. At the desk it was {fee} more. For what, I asked. For today, they said |
    price
- there was one person ahead of us. Then a friend of theirs came in, and another. We had an
    appointment, they had friends | speed
- I asked when it would be our turn. Soon, they said. {client} had dinner there, out of my purse |
    speed
- I rang about the swelling. They said someone would call. I rang again. They said someone had |
    communication
- for years it was {name} and only {name}. Then one day it was a stranger with a stopwatch. We
    have not been back | overall
- we gave them a second try, because everyone has an off day. It turns out they have off months |
    overall
"""
