"""Phrases of customers about the work, its speed and its safety."""

from __future__ import annotations

PHRASES = """
@ quality
+ the {service} was {good}
+ {staff} did a {good_adj} job
+ they did a fantastic job on {object}
+ they did a lovely job with {object}
+ {staff} {verb} {object} {well}
+ {object} has never looked so good
+ {object} looks {good}
+ {object} came back in perfect condition
+ {object} was {verb} {well}
+ {object} looked as good as new
+ every detail of the {service} was {good}
+ the {service} turned out {good}
+ the {service} exceeded my expectations
+ I couldn't be happier with the {service}
+ I have nothing to complain about
+ I can't fault the {service}
+ I have no complaints about the {service}
+ there was nothing {bad} about the {service}
+ the {service} was anything but {bad}
+ the {service} was far from {bad}
+ I have never had a bad {service} here
+ the {service} was exactly what I asked for
+ the {service} is consistently {good}
+ I keep getting compliments on {object}
+ everyone asks me who {verb} {object}
+ the attention to detail is {good}
+ their work is {good}
+ the results speak for themselves
+ quality work every single time
+ the best {service} I have ever had
+ the best {service} in years
+ this {place} knows how to do a proper {service}
+ {staff} got it right the first time
+ they fixed what another {place} had messed up
+ they noticed a small problem with {object} and took care of it for free
+ {staff} is an artist
+ {staff} has magic hands
+ no one does a {service} like {name}
+ the standard never drops
+ they use only the best products
+ I was {glad} with the {service}
+ I am {very} pleased with how {object} turned out
+ I was not disappointed with the {service}
+ {object} lasted far longer than I expected
- the {service} was {bad}
- {staff} did a {bad_adj} job
- they did a terrible job on {object}
- they did an awful job with {object}
- {staff} {verb} {object} {poorly}
- {object} has never looked so bad
- {object} looks {bad}
- {object} came back in terrible condition
- {object} came back damaged
- {object} was {verb} {poorly}
- {object} looked worse than before
- the {service} turned out {bad}
- the {service} fell short of my expectations
- I couldn't be unhappier with the {service}
- I have plenty to complain about
- the {service} was not {good}
- the {service} was far from {good}
- the {service} was hardly {good}
- I can't say the {service} was {good}
- the {service} left a lot to be desired
- I have never had a good {service} here
- the {service} was not what I asked for
- this is not what I asked for
- the {service} gets worse every time
- I am embarrassed to show {object}
- I had to have {object} {verb} again somewhere else
- another {place} had to fix the mess
- they rushed through the {service}
- the attention to detail is {bad}
- their work is {bad}
- the results were {bad}
- the worst {service} I have ever had
- the worst {service} in years
- this {place} can't do a simple {service}
- {staff} got it wrong {times}
- they caused new problems with {object}
- they left the job half done
- they ruined {object}
- they destroyed {object} and denied it
- they damaged {object} and refused to pay
- they lost {object}
- the standard has dropped since the new owners took over
- it used to be good, now it is {bad}
- they use cheap products
- I was {upset} with the {service}
- I was not {glad} with the {service}
- I wasn't happy with how {object} turned out
- I am not satisfied with the {service}
- I expected better
- I expected much more from this {place}
- the {service} did not last
- I had to finish the work myself at home
- I asked for one thing and got another
- there were mistakes everywhere
- the {service} could have been better
- the {service} needs improvement
- they should take more time for the {service}
- how can anyone get a simple {service} so wrong?
+m the {service} itself was fine
+m the {service} was decent
+m {object} looked nice
+m the {service} was good
+m the work was acceptable
+m {object} was all right
+m the {service} started well
-m the {service} was not quite perfect
-m one tiny detail was missed
-m it took a second visit to get {object} just right
-m the {service} was a little different from what I had in mind
-m the result was slightly uneven
-m there was a small hiccup with the {service}
+f {good_adj} {service}
+f {good_adj} work
+f {good_adj} job
+f great job
+f great quality
+f quality work
+f perfect {service}
+f best {service} ever
+f loved the {service}
+f love the results
+f perfect results
+f beautifully {verb}
+f {verb} {well}
+f {verb} to perfection
+f no complaints
+f nothing to complain about
+f never disappointed
+f not bad at all
+f flawless
+f spot on
+f always consistent
+f great attention to detail
-f bad {service}
-f poor {service}
-f sloppy work
-f bad job
-f poor job
-f bad quality
-f worst {service} ever
-f hated the {service}
-f bad results
-f {poorly} {verb}
-f {verb} {poorly}
-f ruined {object}
-f damaged {object}
-f not what I asked for
-f many complaints
-f not good
-f not good at all
-f always disappointed
-f botched job
-f very uneven
-f no attention to detail
-f too many mistakes
-f unprofessional work
-f expected better
-f had to redo it

@ speed
+ I was in and out in {short}
+ they saw us right on time
+ {staff} was right on time
+ they are always punctual
+ there was no wait at all
+ we were served within {short}
+ they squeezed me in at short notice
+ they got the {service} done faster than promised
+ the {service} took only {short}
+ the whole thing was quick and painless
+ they finished ahead of schedule
+ the {service} was ready when they said it would be
+ they never keep you waiting
+ I have never waited more than {short}
+ prompt, {nice} and efficient
+ they don't waste your time
+ {staff} worked fast without cutting corners
+ {staff} did not rush and was thorough
+ {staff} took the time needed to do it right
+ the turnaround was {good}
+ same-day service saved my week
+ the line moved quickly
+ even on a busy {day} everything ran like clockwork
- I waited {wait} past my appointment
- they kept us waiting for {wait}
- {staff} showed up {wait} late
- {staff} never showed up
- they are always running late
- I sat there for {wait} before anyone noticed me
- the {service} took {wait} longer than promised
- the {service} dragged on forever
- the whole thing was slow and painful
- they finished {days} late
- the {service} still wasn't ready after {days}
- they said {short} and it took {wait}
- they always keep you waiting
- I waited for {wait} and then they sent me away
- they waste your time
- {staff} worked at a snail's pace
- {staff} was in such a hurry that nothing was done right
- they rushed us out the door
- the delay was {bad}
- I lost a whole day of work because of them
- the line was endless and only one person was working
- my appointment means nothing to them
- they take on too many customers at once
- they ought to respect people's time
- I wish they were faster
- they could be quicker
- why make an appointment if you have to wait {wait} anyway?
- {client} got hungry and tired from all the waiting
- the wait was ridiculous
- I gave up and left after {wait}
- it should not take {days} to do a simple {service}
+m there was no wait
+m they were on time
+m it went quickly
+m they were fast
+m they saw me right away
+m it was done on schedule
-m I had to wait {short}
-m there was a short wait
-m it took a little longer than expected
-m they were running slightly late
-m the wait can be long on weekends
-m the {service} took a while
-m we had to wait a bit
+f fast service
+f quick and easy
+f always on time
+f no waiting
+f no wait
+f short wait
+f very punctual
+f in and out quickly
+f prompt service
+f fast and efficient
+f ready on time
+f quick {service}
+f never rushed
-f slow service
-f slow and careless
-f always late
-f long waits
-f long wait
-f very slow
-f waited {wait}
-f endless waiting
-f late again
-f never on time
-f too slow
-f not ready on time
-f rushed {service}
-f took forever
-f waiting too long
-f reduce the waiting times
-f nobody showed up

@ safety
+ safety clearly comes first here
+ they took every precaution
+ {client} got home safe and sound
+ I always feel safe here
+ they checked everything twice
+ not a single scratch on {object}
+ no scratches, no bruises, no tears
+ they asked about allergies before they started
+ {client} was never in any danger
+ they stopped right away when {client} felt uncomfortable
+ they wore gloves and used fresh tools
+ they watched {client} the whole time
+ I have never worried about leaving {client} with them
- {client} got hurt and nobody noticed
- {client} came home with a cut on the arm
- {client} came home with bruises
- {client} was bleeding when we left
- {client} came out limping
- {client} ended up in the emergency room
- they burned my skin
- there were scratches all over {object}
- {object} was scratched and dented
- {object} was torn
- there were broken glass and loose wires on the floor
- I slipped on a wet floor and there was no sign
- nobody was watching {client}
- they left {client} alone for {wait}
- they left the door wide open and {client} nearly ran into the street
- they ignored the allergy I had told them about
- I got a rash the next day
- the skin was red and irritated for {days}
- an infection set in and we had to see a doctor
- they used a dirty blade and it got infected
- this {place} is a hazard
- someone is going to get seriously injured
- {client} was terrified and shaking
- {client} has been scared of the place ever since
- I fear for anyone who leaves their loved ones there
- they denied causing the injury
- how could they let that happen?
+m they do follow the rules
+m they did check for allergies
-m the steps at the entrance are a bit slippery
-m the door is a little heavy
+f very safe
+f safe hands
+f safe and sound
+f no injuries, no stress
+f always feel safe
+f careful and safe
-f not safe
-f very dangerous
-f got hurt
-f {client} was injured
-f burned and bleeding
-f cuts and bruises
-f unsafe {place}
-f scratches everywhere
-f {client} came home hurt
-f caused an infection
-f an accident waiting to happen
"""
