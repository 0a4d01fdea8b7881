"""Idioms, turns of phrase and rarer words, by aspect."""

from __future__ import annotations

PHRASES = """
@ overall
+ I was skeptical at first, but they won me over
+ this {place} ticks all the boxes
+ they nailed it
+ they knocked it out of the park
+ they set the bar high
+ they hit the nail on the head
+ they pulled out all the stops
+ it was a pleasure from beginning to end
+ it was smooth sailing from the first call
+ a breath of fresh air, this {place}
+ this {place} is heaven on earth
+ I struck gold with this {place}
+ I feel lucky to have found them
+ you are in for a treat
+ they have earned my loyalty
+ I would not trade them for the world
+ simply no comparison with the rest
+ they outshine all their competitors
+ I have yet to find anything wrong
+ nothing negative to report
+ I could gush about this {place} for hours
+ it is easy to see why they are so popular
+ they have gotten better and better over the years
+ they handled everything without a hitch
+ three cheers for {name} and the whole team
+ I will sing their praises to everyone
+ what a find
+ never a dull moment and never a bad one
+ it could not have gone any better
+ not perfect, but very close
- I was hopeful at first, but they blew it
- this {place} ticks none of the boxes
- they dropped the ball
- they messed up big time
- they set the bar so low that you trip over it
- they missed the mark by a mile
- they could not care less
- it was an ordeal from beginning to end
- it was one problem after another
- a complete waste of time, this {place}
- this {place} is hell on earth
- I drew the short straw with this {place}
- I feel foolish for having trusted them
- you are in for a shock
- they have squandered my loyalty
- I would not go there if it were free
- no comparison with the good {place} across town
- they lag behind all their competitors
- I have yet to find anything right
- nothing positive to report
- I could rant about this {place} for hours
- it is a mystery to me why they are so popular
- they have gotten worse and worse over the years
- they botched everything from start to finish
- a fiasco from the first minute
- I will warn everyone I know
- what a farce
- a catalog of errors
- it could not have gone any worse
- not the worst, but nowhere near good
- it's a hit or miss, mostly a miss
- the quality is a lottery
- they don't deserve their license
- they cut corners wherever they can
- they overpromise and underdeliver
- they are all talk
- false advertising, plain and simple
- they fobbed me off with excuses
- they don't even try
- that was the last straw
+f ticks all the boxes
+f pure joy
+f a real find
+f nailed it
+f flawless from start to finish
+f hands down the best
+f second to none
+f superb all round
+f no regrets
+f well done
+f kudos
+f bravo
+f chapeau
+f much appreciated
+f brilliant, as always
+f couldn't ask for more
+f what more could you want?
+f absolute perfection
+f lovely experience
+f never had a problem
+f everything is great
+f no issues whatsoever
+f simply outstanding
+f above and beyond
+f a godsend
+f a lifesaver
+f stress-free
+f like it a lot
+f good
+f really nice
+f great work, thank you
-f what a farce
-f what a mess
-f a total fiasco
-f dropped the ball
-f hands down the worst
-f a complete shambles
-f dismal all round
-f big regrets
-f shame on you
-f utter garbage
-f complete joke
-f scam
-f crooks
-f frauds
-f a scandal
-f mediocre at best
-f nothing special
-f could be better
-f could be much better
-f not as advertised
-f left a lot to be desired
-f what a waste
-f problems every time
-f always some problem
-f many issues
-f below par
-f absolute nightmare
-f dreadful experience
-f no thanks
-f ugh
-f meh
-f bad
-f really bad
-f not worth the trouble
-f improve your service

@ staff
+ {staff} has the patience of a saint
+ {staff} has a heart of gold
+ {staff} is a ray of sunshine
+ {staff} is a natural with people
+ {staff} wears a smile on even the longest day
+ {staff} is down-to-earth and easy to talk to
+ {staff} knows the trade inside out
+ {staff} was on the ball
+ {staff} gave us undivided attention
+ {staff} lent me an umbrella when it started to rain
+ {staff} carried my bags to the car
+ {staff} offered {client} a glass of water and a cookie
+ {staff} sent a handwritten thank-you card
+ {staff} found an answer to every worry
+ {staff} was quick to reassure {client}
+ {staff} is always up for a laugh
+ {staff} was as good as gold
+ even the new people are {nice}
+ a big thank you to {staff} for the {virtue}
+ the {virtue} of {staff} is rare these days
+ I admire the {virtue} of the whole team
+ {staff} went the extra mile for {client}
+ {staff} is punctual, polite and well prepared
+ I was greeted by name and offered tea
- {staff} has the charm of a brick
- {staff} has a chip on the shoulder
- {staff} is a bully
- {staff} should not be let near customers
- {staff} grunted instead of answering
- {staff} is full of hot air
- {staff} does not know the first thing about the trade
- {staff} was asleep at the wheel
- {staff} gave us a dirty look
- {staff} let me stand in the rain
- {staff} watched me struggle with my bags
- {staff} would not even give {client} a glass of water
- {staff} called {client} names
- {staff} swore at a customer
- {staff} blamed {client} for everything
- {staff} huffed and sighed the whole time
- {staff} mocked my accent
- {staff} was out of line
- even the manager is {nasty}
- the {vice} of {staff} is beyond belief
- I am appalled by the {vice} of the whole team
- {staff} treated me as though I were invisible
- {staff} was late, loud and badly prepared
- I was greeted with a scowl
- they talk about customers behind their backs
- they play favorites
- {staff} accused me of lying
- {staff} thundered at us, there is no nicer word
- they are constantly understaffed
- everyone there seems overworked and stressed
- there is a new face every week and nobody is trained
+f heart of gold
+f kind and caring people
+f patience of a saint
+f very attentive
+f greeted with a smile
+f nice people
+f the nicest people
+f a {nice} {role}
+f hats off to {name}
+f well trained team
+f they love what they do
+f they go above and beyond
-f no patience whatsoever
-f heartless people
-f rude and careless
-f rude receptionist
-f very inattentive
-f greeted with a scowl
-f unfriendly people
-f the rudest people
-f a {nasty} {role}
-f shame on {name}
-f poorly trained team
-f they hate their job
-f incompetent management
-f understaffed
-f arrogant owner

@ care
+ {client} is shy and took to {name} immediately
+ {client} used to tremble at the door and now walks right in
+ {client} was cuddled and comforted
+ {client} was so calm that I could hardly believe it
+ {client} got lots of cuddles and attention
+ {client} felt safe and loved
+ they noticed that {client} was nervous and slowed down
+ they are wonderful with anxious first-timers
+ they are so sweet with the little ones
+ they make it fun for {client}
+ they are very gentle around the ears and eyes
+ they know how to calm a frightened soul
+ they soothed {client} with a soft voice
+ they gave {client} time to get used to the noise
+ it was the first time that {client} didn't put up a fight
+ {client} is old and frail and they were extra careful
+ {client} has sensitive skin and there was no irritation at all
+ {client} smells wonderful and looks adorable
+ {client} came home happy, clean and smelling fresh
+ {client} looked like a little prince
- {client} is shy and was left alone in a corner
- {client} used to walk right in and now trembles at the door
- {client} was pushed around and yelled at
- {client} was so shaken that I could hardly believe it
- {client} got no attention at all
- {client} was petrified
- they noticed that {client} was nervous and carried on regardless
- they are useless with anxious first-timers
- they are so mean to the little ones
- they make it torture for {client}
- they poked {client} in the eye and laughed
- they have no idea how to calm a frightened soul
- they scared {client} with their shouting
- they did not give {client} a single break
- it took {client} {days} to get over it
- {client} is old and frail and they were much too rough
- {client} has sensitive skin and came home with sores
- {client} came home smelly and a mess
- {client} came home shaking and hid under the bed
- {client} had red, swollen eyes afterwards
- they strapped {client} in and ignored the whimpering
- {client} was left wet and cold
- {client} had a panic attack and they did nothing
- {client} is traumatized
+f {client} is always happy there
+f {client} feels safe
+f {client} looks adorable
+f {client} smells so good
+f lots of cuddles
+f sweet and gentle
+f calms {client} down
+f gentle with nervous customers
-f {client} is traumatized
-f {client} came home shaking
-f {client} was terrified
-f {client} looked awful
-f {client} smells bad now
-f rough with {client}
-f left alone for hours
-f heartless treatment

@ quality
+ I could tell the difference immediately
+ {object} turned heads all week
+ {object} got so many compliments
+ {object} is soft, shiny and smells lovely
+ {object} looks cute and neat
+ {object} was transformed
+ they brought {object} back to life
+ they worked wonders on {object}
+ they didn't miss a spot
+ every corner was taken care of
+ it is a job well done
+ {object} held up {well}
+ nice finishing touches
+ there was no need to redo anything
+ {staff} pays attention to the smallest detail
+ they do a thorough job every single time
+ {staff} fixed my mistake with {object} {well}
+ a long-lasting, {good_adj} result
- I could see no difference at all
- {object} was the laughing stock of the family
- people asked what had happened to {object}
- {object} is rough, dull and smells odd
- {object} looks ridiculous
- {object} was beyond recognition
- {object} never recovered
- they made a pig's breakfast of {object}
- they missed several spots
- half of it was simply skipped
- it is a botched job
- {object} fell to pieces
- no finishing touches at all
- I had to redo everything myself
- {staff} overlooks the most obvious things
- they do a half-baked job every single time
- {staff} blamed {object} for the poor result
- a short-lived, {bad_adj} result
- it was too short on one side and too long on the other
- there were knots, smudges and loose ends all over
- {staff} skipped half of what I paid for
- they did not even start on {object}
+f {object} looks great
+f {object} looks amazing
+f {object} looks brand new
+f work of art
+f job well done
+f exactly as asked
+f attention to every detail
+f so neat
+f looks so cute
-f {object} looks terrible
-f {object} looks ridiculous
-f {object} was ruined
-f half a job
-f missed spots
-f nothing as asked
-f details forgotten
-f so messy
-f looks ridiculous

@ speed
+ {staff} turned up with time to spare
+ they stick to the schedule
+ they value my time
+ fast as lightning and still careful
+ I hardly had time to open my magazine
+ not a minute late
+ they took as long as it needed and not a minute more
- {staff} turned up when it was almost dark
- they never stick to the schedule
- they have no respect for my time
- fast as lightning and just as careless
- I read every magazine {times}
- not a minute early, as usual
- it dragged on and on
- they had us twiddling our thumbs for {wait}
- they took {wait} for a job of {short}
- we were left waiting in the cold
- people who came after us were served first
- three people behind the counter and still a long line
+f like clockwork
+f lightning fast
+f no delays
+f never late
+f worth the wait
-f constant delays
-f snail's pace
-f not worth the wait
-f always running behind
-f too much waiting
-f shorter waits please
-f hurry up
-f way too slow
-f more punctuality please

@ price
+ my wallet and I are happy
+ the {service} costs next to nothing
+ great bang for the buck
+ I would gladly have paid double
+ fair and square
+ the {service} paid for itself
+ they threw in a little extra for free
+ good work does not have to cost a fortune
+ the tip was well deserved
- my wallet is empty and I am unhappy
- the {service} costs an arm and a leg
- no bang for the buck
- I would not pay half of it
- they fleeced us
- they see a customer and smell money
- they charge extra for the air you breathe
- expensive and {bad}
- poor quality at a premium price
- they wouldn't tell me the price beforehand
- a deposit of {price} gone for good
- such a price for such a poor {service} is an insult
- they padded the bill
- I was double charged and nobody will fix it
- I had to fight for my refund
+f bang for the buck
+f prices are right
+f fair and honest
+f cheap and good
+f free extras
+f reasonable price
-f costs a fortune
-f prices are wrong
-f greedy
-f expensive and bad
-f cheap and nasty
-f extra charges
-f unreasonable price
-f price went up again
-f fix my bill
-f money-grabbing

@ feeling
+ I could have hugged {staff}
+ I am still smiling
+ I slept well knowing {client} was there
+ I felt like royalty
+ I felt heard and respected
+ my worries melted away
+ I left with a light heart
+ I was in seventh heaven
- I could have screamed
- I am still shaking with anger
- I couldn't sleep for worry about {client}
- I felt like a fool
- I felt small and ignored
- my worries came true
- I left with a heavy heart
- I was beside myself
- I felt sick to my stomach
- I regret every minute of it
+f still smiling
+f felt like royalty
+f felt so welcome
+f pleasantly surprised
+f satisfied customer
+f peace of mind
-f still angry
-f felt like a fool
-f felt so unwelcome
-f unpleasantly surprised
-f dissatisfied customer
-f makes me furious
-f makes me sad
-f so frustrating
-f heartbreaking

@ recommend
+ my sister followed my advice and loves them too
+ put them on your list
+ treat yourself and book a {service}
+ I send everyone I know to {name}
+ spread the word
- my sister ignored my warning and regretted it too
- cross them off your list
- spare yourself and don't book a {service}
- I tell everyone I know to avoid {name}
- consider yourself warned
- if you value your sanity, keep walking
- don't fall for the nice website
- don't trust them with {object}
+f treat yourself
+f try them
+f book now
+f spread the word
-f be warned
-f don't bother
-f don't fall for it
-f keep walking
-f not for me | overall
-f anywhere but here
"""
