"""Verdicts: overall judgments, feelings, advice to others, plans to return."""

from __future__ import annotations

PHRASES = """
@ overall
+ it was a {good_adj} experience
+ my experience was {good}
+ this {place} is {good}
+ I love this {place}
+ I can't say enough good things about this {place}
+ I could not ask for more
+ I am a very satisfied customer
+ they never let me down
+ they never disappoint
+ I've never had a bad experience here
+ this is the best {place} in town
+ it is the best {place} I have ever been to
+ they are by far the best {place} around
+ this {place} is a hidden gem
+ five stars from me
+ I would give ten stars if I could
+ everything was {good}
+ everything went smoothly
+ everything was perfect
+ top marks
+ keep up the good work
+ please never change
+ they are a cut above the rest
+ they stand head and shoulders above the competition
+ it doesn't get better than this
+ no other {place} comes close
+ I finally found a {place} I can trust
+ they have a customer for life
+ they have won me over
+ my search for a good {place} is over
+ they restored my faith in customer service
+ what a treasure this {place} is
+ the whole family loves it
+ they deserve all the praise they get
+ they live up to their reputation
+ they are better than all the others I have tried
+ there is nothing I would change
+ I can find no fault
+ it was well worth it
- it was a {bad_adj} experience
- my experience was {bad}
- this {place} is {bad}
- I hate this {place}
- I can't say anything good about this {place}
- I could not have asked for less
- I am a very dissatisfied customer
- they let me down again
- they never fail to disappoint
- I've never had a good experience here
- this is the worst {place} in town
- it is the worst {place} I have ever been to
- this is by far the worst {place} around
- this {place} is a joke
- one star is too much
- I would give zero stars if I could
- everything was {bad}
- nothing went smoothly
- everything went wrong
- thumbs down
- they should be ashamed
- they ought to be shut down
- it is a far cry from what it used to be
- there are better places all over town
- it doesn't get worse than this
- any other {place} would be better
- I will look for a {place} I can trust
- they lost a loyal customer
- they have lost my trust
- my search for a good {place} goes on
- they destroyed my faith in this {place}
- what a dump this {place} is
- nobody in the family liked it
- I don't understand the good reviews
- they don't live up to their reputation
- they are worse than all the others I have tried
- there is a lot that needs to change
- there is much room for improvement
- it wasn't worth it
- it was not a good experience
- I was not impressed
- I regret going there
- it went downhill fast
- I should have read the reviews first
+f {good_adj} experience
+f excellent service
+f great service
+f great place
+f love this {place}
+f love it
+f love them
+f the best
+f simply the best
+f best {place} in town
+f best {place} ever
+f best in the area
+f absolutely {good_adj}
+f five stars
+f 5 stars
+f 10 out of 10
+f perfect
+f all good
+f awesome
+f fantastic
+f amazing
+f superb
+f wonderful experience
+f top service
+f top-notch
+f thumbs up
+f a hidden gem
+f couldn't be better
+f can't complain
+f keep it up
+f always great
+f never lets me down
+f no problems at all
+f wow
+f two thumbs up
+f very satisfied
+f exceeded expectations
-f {bad_adj} experience
-f terrible service
-f bad service
-f awful place
-f hate this {place}
-f hate it
-f the worst
-f simply the worst
-f worst {place} in town
-f worst {place} ever
-f worst in the area
-f absolutely {bad_adj}
-f zero stars
-f one star
-f 0 out of 10
-f a disaster
-f nothing good
-f horrible
-f awful
-f terrible
-f pathetic
-f horrible experience
-f no service at all
-f appalling
-f thumbs down
-f a joke
-f couldn't be worse
-f not impressed
-f do better
-f always bad
-f let me down
-f nothing but problems
-f yikes
-f needs improvement
-f very dissatisfied
-f below expectations
-f big disappointment
-f disappointing
-f such a letdown
-f not recommended
-f unacceptable

@ feeling
+ I was {very} happy
+ I left feeling {glad}
+ we were {glad}
+ I am {glad} with this {place}
+ I have never been so {glad}
+ {client} was {glad} too
+ I was never {upset} here
+ I had no reason to be {upset}
+ it put a smile on my face
+ I walked out with a spring in my step
+ it made my day
+ it made {client}'s day
+ I was close to tears of joy
+ I was nervous at first and relieved in the end
+ what a relief
+ I felt {glad}
+ I can't thank them enough
+ I am grateful for their {virtue}
- I was {very} unhappy
- I left feeling {upset}
- we were {upset}
- I am {upset} with this {place}
- I have never been so {upset}
- {client} was {upset} too
- I was not {glad}
- I wasn't {glad} at all
- it ruined my day
- it ruined {client}'s day
- I walked out in tears
- it left a bad taste in my mouth
- I was close to tears
- it was supposed to be relaxing and I ended up stressed
- what a disappointment
- I felt {upset}
- it makes my blood boil
- I am sick of their {vice}
- I lost sleep over it
- I was hoping for better
- I left in a rage
- I am at my wit's end
+f so {glad}
+f very happy
+f happy customer
+f we are {glad}
+f made my day
+f what a relief
+f all smiles
+f very happy with {name}
+f not {upset} at all
-f so {upset}
-f very unhappy
-f unhappy customer
-f we are {upset}
-f ruined my day
-f what a disappointment
-f no smiles
-f very {upset}
-f not {glad}
-f not happy
-f I am {upset}
-f never so {upset}

@ recommend
+ I would recommend this {place} to anyone
+ I highly recommend this {place}
+ I recommend them to all my friends
+ I can only recommend {name}
+ I have already told all my friends to go
+ give them a try, you won't regret it
+ look no further
+ if you need a {place}, go here
+ don't hesitate to book
+ you can't go wrong with this {place}
+ I can't recommend them highly enough
+ do yourself a favor and go there
+ try it and see for yourself
- I would not recommend this {place} to anyone
- I can't recommend this {place}
- I cannot recommend them
- I wouldn't send my worst enemy there
- I have warned all my friends
- don't make the mistake of going there
- stay away from this {place}
- if you need a {place}, go anywhere else
- think twice before you book
- avoid this {place} at all costs
- avoid like the plague
- do yourself a favor and go elsewhere
- save yourself the trouble
- don't go there
- look elsewhere
+f highly recommend
+f highly recommended
+f would recommend
+f I recommend them
+f strongly recommend {name}
+f recommended
+f definitely recommend
+f recommend to everyone
+f go there
+f a must
+f don't hesitate
-f would not recommend
-f wouldn't recommend
-f cannot recommend
-f don't recommend
-f do not go there
-f stay away
-f avoid
-f avoid at all costs
-f steer clear
-f go elsewhere
-f beware
-f buyer beware
-f run away

@ return
+ I will be back
+ I'll definitely be back
+ we will come again
+ I can't wait to go back
+ I am already looking forward to my next visit
+ I will never go anywhere else
+ I have booked my next {service} already
+ I keep coming back
+ I wouldn't go anywhere else
+ we have been loyal customers for years and will stay
- I will not be back
- I won't be returning
- I won't come back
- we will never come again
- I will never set foot in there again
- I will go somewhere else next time
- I have canceled my next {service}
- that was my first and last visit
- never again will they see my money
- I am taking my business elsewhere
- we have been customers for years, not any more
- I am done with this {place}
+f will be back
+f will come again
+f see you soon
+f definitely coming back
+f can't wait to return
+f back next month
+f already rebooked
+f customer for life
-f never again
-f never going back
-f won't be back
-f not going back
-f won't return
-f last visit
-f I am done
-f found another {place}
-f lost a customer

@ special
- great job, if you like waiting {wait} for nothing | speed
- oh, wonderful, another surprise fee of {fee} | price
- thanks for nothing
- thanks for ruining {object} | quality
- congratulations, you managed to lose a loyal customer
- brilliant idea to close just when people get off work | booking
- ten out of ten for arrogance | staff
- lovely, now I get to pay twice | price
- fantastic, {object} is a wreck again | quality
- sure, because who needs sleep anyway
- if you enjoy being ignored, this is the {place} for you
- they are {nice} until you have a problem | staff
- they are only {nice} when the boss is watching | staff
- it used to be my favorite {place}, but not any more
- it was {good} under the old owner
- I wanted to like this {place}, I really did
- the photos look {good}, the reality is {bad}
- the reviews say {good}, I say {bad}
- {name} used to be great, now I hardly recognize the quality
- they promised the world and delivered nothing
- I have had better service at a gas station
- my grandmother could have done it better blindfolded
- I never thought I'd complain about a {service}, but here we are
- could you please train your staff? | staff
- please take complaints seriously
- more staff, shorter waits, please | speed
- I hope the management reads this
- something has to change here
- how is this {place} still in business?
- what were they thinking?
- why did nobody tell me?
- sorry, but that was not {good}
- I'm sorry to say I was not {glad}
- not as {good_adj} as everyone says
- less talk, more work
+ I was worried because of the bad reviews, but it was {good}
+ I don't understand the bad reviews, it was {good}
+ ignore the bad reviews
+ I expected it to be {bad}, and it was {good}
+ after a {bad_adj} time at another {place}, this was a relief
+ my last {place} was {bad}, this one is {good}
+ other places are {grim}, this one is {lovely}
+ other places rush you, here they take their time
+ I wish I had found them sooner
+ I wish I had come here years ago
+ I wish every {place} were like this
+ I used to dread the {service}, now I look forward to it
+ I usually hate the {service}, but not here
+ the only bad thing is that I didn't find them earlier
+ my only complaint is that they are not closer to my house
+ my only regret is not coming sooner
+ what's not to like?
+ where have you been all my life?
+ who else would I trust with {object}?
+ how do they keep it so {good}?
+ I thought {object} was beyond saving, but they worked a miracle | quality
+ I was afraid of the cost, but it was a bargain | price
+ don't be put off by the old sign, inside it is {lovely}
+ I have tried a dozen places and this one wins
+ if you are not {glad} here, nobody can help you
+ it has been {number} years and I have never been let down
+ not a single bad word from me
+ they made a mistake once and fixed it without a fuss
+ I was ready to complain, and then {staff} solved everything
+ {client} was scared at first, but left with a big smile
+ sorry, other places, you just lost me to this {place}
"""
