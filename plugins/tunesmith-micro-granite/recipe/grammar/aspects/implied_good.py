"""Implied satisfaction: events, without a word of praise."""

from __future__ import annotations

PHRASES = """
@ staff
+ {staff} remembered how we take our coffee
+ {staff} asked about my knee, which I had mentioned half a year ago
+ {staff} let me finish my sentence
+ {staff} put the phone down to talk to me
+ {staff} stayed past closing and never glanced at the clock
+ {staff} came out from behind the counter to help with the stroller
+ {staff} knew my name before I gave it
+ {staff} wrote down what I said and read it back to me
+ {staff} admitted not knowing and went to find someone who did
+ {staff} told me I did not need the bigger package
+ {staff} talked me out of spending more
+ {staff} said no to me once, and I was the one who was wrong
+ {staff} called the next day just to see how things were
+ {staff} crouched down to speak to {client} first and to me second
+ {staff} owned up to the mistake before I had spotted it
+ {staff} held the door, then the umbrella, then my bags
+ the same faces have been there since we first walked in
+ the owner still works the floor every {day}
+ nobody sighed when I changed my mind a third time
+ nobody rolled their eyes at my list of questions
+ not once did anyone make me feel I was in the way
+ nothing was too much trouble, not even my odd requests
+ I have never had to repeat myself with {staff}
+ when {name} is on vacation I wait the two weeks
+ {name} moved to the new branch and half the town moved along
+ {staff} looked at the old photos I had brought before touching anything
+ they treated {client} the way I would have
+ they never once mentioned how late I was
+ they laughed with {client}, not at {client}
+ somebody noticed I was limping and pulled up a chair
+ {staff} turned down the tip and told me to buy {client} an ice cream
+ {client} made them a drawing and it hangs by the register now
+ {client} asked whether {name} could come to the birthday party
+ {staff} asked before doing anything I had not mentioned
+f no upselling at all
+f no attitude, no lecture
+f no eye rolling
+f remembered my name
+f they actually listen
+f asked first, then started
+f same faces every year
+f never once snapped
+f {name} stayed late for us
+f nothing too much trouble
+f they let me finish talking
+f not once hurried along
+f {name} knew what I meant
+f I always ask for {name}
+f left {name} a big tip
@ care
+ {client} fell asleep halfway through
+ {client} did not want to go home
+ {client} climbed up into the chair without being asked
+ {client} now asks when we are going back
+ {client} pulled me through the door this time
+ {client} came out humming
+ {client} was chatting away by the time I had hung up my coat
+ {client} usually cries at the sight of a stranger and this time there was not a tear
+ {client} wriggles like a fish and they simply worked around it
+ {client} hates to be touched near the ears and they left the ears for last
+ {client} let go of my hand by the second visit
+ {client} waved at {name} across the street the next day
+ {client} has talked of nothing but {name} since
+ {client} ate a full dinner afterwards, which says it all
+ my grandmother is ninety-one and they moved at ninety-one's speed
+ {client} cannot stand for long and a chair appeared before I asked
+ {client} bruises like a peach and came home without a mark
+ {client} weighs next to nothing and they handled every limb like glass
+ {client} got a break whenever one was needed
+ {client} has bitten a dentist before and here not a tooth was shown
+ {staff} sat on the floor with {client} until the shaking stopped
+ {staff} warmed the instruments in both hands first
+ {staff} hummed the same little tune until {client} stopped squirming
+ {staff} showed {client} every tool before switching it on
+ {staff} stopped the moment {client} flinched
+ {staff} switched the loud machine off and did the rest by hand
+ {staff} counted to three and meant it
+ {staff} gave {client} ten minutes to look around before starting
+ {staff} spoke to {client} and not over anyone's head
+ {staff} spotted the rash that two doctors had overlooked
+ I was told to wait outside and heard giggling through the wall
+ I peeked through the window and {client} was sitting there like a king
+ we had warned them about the screaming and there was none
+ they split it over two visits so that it would not be too much for {client}
+ they sent a picture halfway through, {client} grinning from ear to ear
+ they sent me three photos while I was at work
+ they noticed a sore spot on the heel and told me what to put on it
+ they took the earrings and the necklace off first so that nothing would pull
+ two other places had given up on {client} and these people did not
+ for the first time nobody had to hold {client} down
+ I braced myself for a struggle and never got one
+ no tugging, no holding down, no raised voices
+f not a single tear
+f {client} slept right through
+f {client} asks for {name}
+f {client} runs in now
+f {client} didn't want to leave
+f no fuss, no tears
+f no more meltdowns
+f not a mark on {client}
+f {client} came out grinning
+f didn't rush {client} at all
+f they went at {client}'s pace
+f like one of their own
+f sent photos all day
+f {client} hardly noticed
+f no trembling this time
@ quality
+ six weeks on and it still holds
+ {object} has needed nothing since
+ my neighbor rang the bell to ask who had done it
+ my mother-in-law, who likes nothing, asked for the number
+ strangers stopped me to ask where I had it done
+ I showed them a picture and that is what I got
+ I asked for a little and they did a little
+ they did what I said, not what they felt like
+ I did not have to touch up a thing at home
+ I looked for something to complain about and came up empty
+ even my husband noticed, and he never notices
+ they found the real cause in five minutes after others had guessed for years
+ they saw the loose thread before it became a hole
+ the smell that had been there for months is gone
+ I kept looking in the mirror on the way home
+ I keep walking past it just to look
+ I have taken about forty pictures of it
+ it survived a storm, a toddler and a birthday party
+ it used to last a week and now it lasts two months
+ the fresh scent stayed until the following {day}
+ {staff} went back to fix a spot that I could not even see
+ {staff} did the back as carefully as the front
+ {staff} started over because it was a hair off
+ I came with a picture on my phone and left looking like it
+ nobody can tell where the damage was
+ the old scratch is gone and no new one has taken its place
+ I cannot see where they joined it, and I have looked
+ it was done once and has stayed done
+ I have not had to call anyone since
+ I brought {object} in with little hope and had to eat my words
+ after years of wandering from one {place} to the next, the search is over
+ I would have sworn it was a different one
+ they follow the note I wrote in the file years ago to the letter
+f still holding after months
+f done once, stayed done
+f lasted all winter
+f exactly like the picture
+f neighbors keep asking
+f nothing left to redo
+f nobody can see the repair
+f people stop and ask
+f smell is finally gone
+f can't stop looking at it
+f not a thread loose
+f did what I asked
+f exactly that, no more, no less
+f compliments all week
+f have not needed another since
@ speed
+ we were in and out before the meter ran down
+ we were home before the soup was cold
+ I had brought a book and never opened it
+ my coffee was still hot when they called me in
+ they rang ahead because they were running six minutes behind
+ ready at two, they said, and at two it was ready
+ booked for nine, started at nine
+ they took the time it needed and then another few minutes to check
+ the clock struck the hour and {staff} called my name
+ nobody looked at a watch although we were the last ones in
+ they squeezed us in between two others on a {day} before the holidays
+ I emailed at breakfast and it was done by supper
+ they said {days} and it took an afternoon
+ the seat in the waiting room never even got warm
+ they took their time with {client} without wasting mine
+ I told them I had a train to catch and I caught it
+f in by nine, out by ten
+f seat never got warm
+f coffee still hot
+f home before lunch
+f done while I parked
+f called ahead about a delay
+f said two, meant two
+f never once kept waiting
+f no line, no number, no fuss
+f ready when they said
+f took their time with us
+f didn't watch the clock
+f on the dot, every time
@ price
+ the bill said what the website said
+ I paid what I was quoted, to the cent
+ they have charged the same since we moved here
+ they forgot nothing and added nothing
+ they knocked off {fee} because the last bit took longer than planned
+ they would not take a cent for the second visit
+ when I opened my wallet {staff} said to forget it
+ I expected a lecture about the premium package and got a receipt
+ they told me the cheaper one would do
+ I canceled with an hour's notice and they waived the fee
+ my deposit was back in my account before I had asked
+ they found an old discount that I did not know I had
+ I checked the bill twice because I thought something was missing
+ I used to pay twice as much across town for half of it
+ no charge for the parts they did not use
+ I left a bigger tip than I ever have
+ they called before doing the extra work and let me decide
+ {staff} said it was a two-minute job and that two minutes cost nothing
+f same price as ever
+f paid what they quoted
+f no extras on the bill
+f no small print
+f wouldn't take a cent
+f deposit came straight back
+f second visit was free
+f told me to save my money
+f paid less than expected
+f no charge for looking
+f waived the late fee
+f left a large tip
+f cheaper than across town
@ communication
+ a real person picks up on the second ring
+ they texted when they set off and again when they were around the corner
+ they rang me before they touched anything that was not on the list
+ they asked what had gone wrong elsewhere and took notes
+ they read the file before I sat down
+ they told me what would hurt and for how long, and it was just so
+ they told me straight out that it could not be saved, and why
+ they sent a photo of every step
+ they wrote to ask how it was holding up after {days}
+ I got a page of instructions for afterwards, in words I understood
+ I left a message on {day} night and had an answer with my morning coffee
+ I got a reminder the day before, and just the one
+ they said they would call back and then they called back
+ they warned me about the noise next door before I booked
+ what we agreed on the phone is what happened
+ they explained it so that even {client} could follow
+ I complained about one small thing and it was gone by the next visit
+ {staff} drew me a little sketch so that I could follow
+f they call back
+f answered on the second ring
+f heard me out
+f told us the truth
+f asked before cutting anything
+f photos at every step
+f one call, sorted
+f no surprises at pickup
+f checked in the next day
+f kept us posted throughout
+f read my notes
+f said it like it is
@ booking
+ I canceled because of a fever and all they said was get well soon
+ I mixed up the days and they made room anyway
+ two taps in the app and I had my slot
+ the app knows what {client} had last time so I need not type it again
+ my appointment had vanished from the system and they saw us anyway
+ they put us on a waiting list and rang within the hour
+ I have the next four dates in my calendar already
+ they moved my slot three times and never made a face
+ they rang to offer us an earlier time
+ we book the next one before we put our coats on
+f already booked the next one
+f same slot every month
+f two taps and done
+f moved my date, no fuss
+f found us a gap
+f canceled, no charge
+f booked again at the door
+f calendar full of them
@ atmosphere
+ I could have stayed for another hour
+ {client} went straight for the armchair by the window
+ nobody shouts over a machine here
+ it is the only waiting room where I have heard people laugh
+ I caught myself humming along
+ my shoulders dropped the moment I sat down
+ even with a full house it never got loud
+f could have stayed all day
+f nobody shouts here
+f you can hear yourself think
+f shoulders dropped right away
+f zero stress, zero drama
@ location
+ they moved farther out and we simply drive longer
+ I pass four others on the way there
+ there was a space right by the door, as always
+ they come to us with the van, so {client} need not leave the house
+ we take two buses to get there and do not mind
+ we moved to the next town and still drive back
+f worth two buses
+f parked at the door
+f we drive past three others
+f they come to you
+f still drive back for them
@ safety
+ {client} did not have so much as a scratch
+ they tested it on a tiny patch first and waited a full day
+ they buckled {client} in and then tugged the strap twice to be sure
+ they read the label out to me because of the allergy
+ the redness I had been bracing for never came
+ they sent us home rather than take a risk
+ they count the children at every doorway
+ they changed gloves between customers without being asked
+f not so much as a scratch
+f no redness, no itching
+f no soreness the next day
+f everyone home in one piece
+f checked twice before starting
+f patch test without asking
@ cleanliness
+ the towel came out of a sealed bag
+ the scissors went into the bath before they went near me
+ somebody swept up before I had stood up
+ it smells of soap and nothing else
+ they took off their shoes at my door and took their trash along
+ they left my kitchen as they found it, minus the dust
+f not a crumb anywhere
+f could eat off the floor
+f smells of soap
+f shoes off at the door
+f swept before they left
@ facilities
+ there is a ramp, a low sink and a chair that does not wobble
+ somebody has finally thought of hooks at a child's height
+ they moved to bigger rooms and kept everything we had come for
+ every machine in the row worked
+f everything in the row worked
+f a ramp at last
+f chairs that don't wobble
@ delivery
+ the vase arrived in one piece after four hundred miles
+ the driver carried it up four floors and asked where to put it
+ the box looked as if it had never left the shop
+ it was on the step before I had closed the tab
+f arrived in one piece
+f carried up four floors
+f here before I expected
@ returns
+ I sent it back and nobody asked me to explain myself
+ the money was there before the parcel was
+ they told me to keep the wrong one and sent the right one
+f no questions, money back
+f swapped it without a word
@ technical
+ I have not seen that error since
+ they stayed on the line until it worked
+ one restart, one click, and it has run ever since
+ they skipped the script and went straight to the cause
+f has run ever since
+f never crashed again
+f stayed on the line
@ account
+ I was back in before I had found my password notebook
+ a human looked at it and it took a minute
+f back in within a minute
+f closed it, no questions
@ overall
+ we went once by accident and have gone on purpose ever since
+ we left our old {place} after twelve years and have not looked back
+ my only regret is the years I went elsewhere
+ I came with low hopes and a long list, and left with neither
+ I have run out of reasons to go anywhere else
+ three generations of us go there now
+ it has been eleven years and I am still waiting for a reason to leave
+ they closed for a month and I just waited
+ when they moved premises, so did we
+ my sister borrowed their number and never gave it back
+ now the whole street goes there
+ I tried to catch them out and could not
+ if they ever retire I do not know what we will do
+ I will be upset only on the day they close
+ the place next door is cheaper and I still walk past it
+ I never had to ask twice for anything
+ I cannot think of a thing to change
+ I wanted to keep this place to myself
+ my neighbors have stopped asking and started booking
+ they spoiled every other {place} for me
+ everything I had been told about them turned out to be so
+ there is a reason for the line outside
+ I had a complaint ready in my head and no use for it
+ they did right by us when nobody was looking
+ I signed up for one visit and stayed for nine years
+f no complaints from this house
+f why go anywhere else?
+f eleven years and counting
+f never looked back
+f on speed dial now
+f search is over
+f whole street goes there
+f we're regulars now
+f nothing to add, nothing missing
+f they've spoiled us
+f can't fault a thing
+f zero drama
+f not going anywhere else
+f finally, somebody gets it
+f worth every mile
+f glad we switched
+f wish we'd switched sooner
+f third generation of customers
+f number saved
+f sorry, old {place}
@ feeling
+ I did not check my phone once while {client} was there
+ I drove home with the windows down, singing
+ the knot in my stomach was gone before I had sat down
+ for once I did not have to be the difficult customer
+ I had not exhaled like that in months
+ I sat in the car afterwards and laughed out loud
+f finally could exhale
+f not one worry
+f singing all the way home
+f no knot in my stomach
@ recommend
+ I have passed their card to half the office | overall
+ I sent my own mother there, enough said | overall
+ ask anyone on our street | overall
+ if you see a free slot, grab it before I do
+f sent my own mother | overall
+f gave everyone their card | overall
+f grab a slot
@ return
+ the next date is on the fridge
+ see you in six weeks, {name}
+ we had the next one in the calendar before we reached the car
+f see you in six weeks
+f next date's on the fridge
"""
