"""Phrases of customers about gentleness, care and the handling of charges."""

from __future__ import annotations

PHRASES = """
@ care
+ {staff} was {very} gentle with {client}
+ {staff} handled {client} with such patience
+ {client} was nervous and {staff} had a calming touch
+ {client} hates this kind of thing, but {staff} made it easy
+ {client} was relaxed the whole time
+ {client} came out smiling
+ {client} looked so happy afterwards
+ {client} runs to the door every time we go
+ {client} actually enjoys going there
+ {client} is usually scared, yet here there were no tears
+ {client} didn't cry once
+ they treat {client} like one of their own
+ they spoil {client} rotten in the best way
+ {client} gets a little treat every time
+ {staff} talked softly to {client} until the shaking stopped
+ they took breaks so that {client} could settle
+ {staff} has a way with anxious people
+ {staff} knows how to deal with a wriggly, fussy customer
+ even though {client} kept wriggling, {staff} stayed calm
+ they were careful around the sensitive spots
+ {staff} never forced anything
+ {staff} treated {object} with care
+ they handled {object} as if it were made of glass
+ they were understanding about the special needs of {client}
+ {client} has a difficult temper and they handle it {well}
+ {client} is picky and still loves it here
+ I can leave {client} there with complete peace of mind
+ {client} is always in good hands
+ they truly love what they do and it shows in how they treat {client}
+ {staff} gave {client} a hug and a sticker
+ {staff} took extra time because {client} was anxious
+ {client} fell asleep, that is how relaxing it was
+ they worked slowly and gently and it did not hurt one bit
- {staff} was {very} rough with {client}
- {staff} handled {client} with no patience at all
- {client} was nervous and {staff} made it worse
- {client} was stressed the whole time
- {client} came out crying
- {client} looked miserable afterwards
- {client} refuses to go back
- {client} now hates going there
- {client} was never scared before, now there are tears every time
- {client} cried the whole time and nobody cared
- {client} was trembling at pick-up time
- they treat {client} like a number
- they treated {client} like an object on a conveyor belt
- {staff} grabbed {client} by the arm
- {staff} pulled and tugged until it hurt
- they held {client} down by force
- {staff} scolded {client} for moving
- {staff} got angry when {client} would not sit still
- {staff} is not cut out for working with nervous people
- they can't cope with anyone who is a little difficult
- they refused to serve {client} for not keeping still
- they gave up halfway because {client} was anxious
- {staff} yanked so hard that it left a mark
- {staff} tossed {object} around like garbage
- they were careless with {object}
- they showed no understanding for the special needs of {client}
- {client} was left alone and frightened
- {client} came home exhausted, thirsty and upset
- {client} wasn't given any water all day
- {client} seemed sad and withdrawn for days
- I will never leave {client} with them again
- {client} was clearly in pain and they carried on
- it hurt a lot and they didn't care
- they should be gentler with {client}
- I wish they had more patience with {client}
- more patience would do wonders
+m they were gentle enough
+m {client} didn't mind the {service}
+m {client} seemed comfortable
-m {client} was a little tired afterwards
-m {client} needed some time to warm up to {name}
-m {client} was a bit nervous at first
-m {client} was not keen on going at first
+f so gentle
+f gentle and patient
+f gentle hands
+f {client} loves it
+f {client} loves {name}
+f {client} was happy
+f {client} came out smiling
+f no tears, no stress
+f treated with love
+f endless patience
+f calm and caring
+f handled with care
-f too rough
-f rough handling
-f rough and impatient
-f {client} hates it
-f {client} was miserable
-f {client} came out crying
-f {client} was scared
-f tears every time
-f treated like cattle
-f no patience
-f stressful for {client}
-f handled without care
-f be more gentle
-f please be gentler
"""
