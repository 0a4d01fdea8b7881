"""More on the aspects that only some kinds of business have."""

from __future__ import annotations

PHRASES = """
@ technical
+ they took over my screen remotely and repaired it in {short}
+ the hotline was patient with a clumsy beginner like me
+ they ironed out every bug within a day
+ the signal reaches every corner of the house
+ the smart meter, the app and the portal all work together
- they blame my hardware, my cables, my neighbors, anyone but themselves
- the portal logs me off in the middle of every form
- the signal vanishes as soon as it rains
- the software update erased my settings
- the chatbot sends you round in circles
- the device overheats and shuts down
- ticket after ticket is closed without a solution
- the technician fiddled for an hour and gave up
-m the menu of the app is confusing
+m the hotline was easy to reach
+f bug fixed at last
+f signal everywhere
-f useless chatbot
-f buggy app
-f error after update
-f device overheats
-f technician gave up

@ account
+ my details were updated in seconds
+ two clicks and I was signed in
+ they restored my deleted profile
+ the portal shows everything at a glance
- my username is suddenly unknown
- they ask for a code that is sent to my old number
- they suspended my profile by mistake and will not restore it
- I canceled in January and my membership is still active
- strangers can see my personal data
- the sign-up form rejects my postcode
-m the sign-up form is long
+m signing up was simple
+f signed in within seconds
+f profile restored
-f suspended by mistake
-f code never arrives
-f data leak
-f still not canceled

@ returns
+ I had lost the receipt and they exchanged it regardless
+ they collected the wrong item and brought the right one
+ a new one was in my hands before I had sent the old one back
- they insist that I broke it myself
- they sent the same broken item back to me
- the replacement was broken as well
- they will only swap it for something cheaper
- thirty days to return, they say, and then they stall
-m they only give store credit on sale items
+m the return label was in the box
+f replaced free of charge
+f swapped on the spot
-f replacement broken too
-f refuse to exchange
-f blamed me for the defect
-f warranty is worthless

@ delivery
+ they called ahead and came in the time slot they had given
+ the driver took the old one away and swept up
+ every item was wrapped like a present
- they left it on the porch in plain sight and it was stolen
- nobody rang, nobody called, the parcel went back
- it was delivered to a neighbor I have never met
- the wrong size, the wrong color, the wrong order
- the truck blocked our drive and dented the gate
- it has been out for delivery for {days}
-m the driver was hard to reach
+m the driver found us easily
+f came when promised
+f neatly wrapped
-f stolen from the porch
-f wrong order
-f came too late
-f package torn open

@ safety
+ they strap everyone in and check the buckle twice
+ the gate is always locked and nobody can slip out
+ they know first aid, and it showed
+ {staff} noticed a swelling on {client} and told us to see a doctor
- the gate was open and {client} wandered off
- they lost sight of {client} for {wait}
- sharp tools were lying about within reach
- {client} swallowed something and nobody saw it
- {client} had a bloody nose and a torn shirt
- {client} needed stitches
- {client} got an ear infection afterwards
- they used something that burned the skin of {client}
- {client} nearly choked
- the wound was hidden from us until we got home
- a heavy door slammed on {client}
-m the stairs are rather steep
+m the entrance is secure
+f every precaution taken
+f gate always locked
-f gate left open
-f needed stitches
-f got an infection
-f bleeding and bruised
-f wandered off unnoticed
-f someone will get hurt

@ location
+ right by the bus stop and open to wheelchairs
+ a quiet side street with shade and free parking
+ we found it at once, the sign is big and bright
+ I moved away and still drive back for {name}
- the stairs are too steep for {client}
- the street is a permanent construction site
- it took us {wait} to find a parking space
- the only entrance is through a dark alley
- they moved to the edge of town and forgot to tell us
- the bus does not even stop there
+f right next to the station
+f wheelchair friendly
+f worth the trip
-f steep stairs
-f dark alley
-f parking is a disaster
-f need a bigger parking lot
-f not worth the trip

@ booking
+ {name} juggled the calendar to make it work for us
+ they keep a waiting list and really call when something opens up
+ we were two and became five, and they simply added chairs
- they confirmed by email and denied it at the door
- they put us on a waiting list and forgot about us
- they overlooked our booking and blamed the computer
- they make you pay in advance and then move the date
- the calendar shows free slots that do not exist
+f always find a slot
+f flexible and quick to book
-f waiting list forever
-f overbooked again
-f date changed without asking
-f calendar is wrong

@ facilities
+ the ramp, the rails and the wide doors make it easy for my father
+ new floors, new lamps, new everything
+ the garden behind the house is a delight
- springs poke through the seats
- wires hang from the ceiling
- the tub was cracked and rusty
- there is one toilet for a hundred people
- the dryer has been broken since spring
- buckets everywhere because the roof leaks
+f soft seats and good light
+f freshly renovated
-f leaking roof
-f rusty and cracked
-f broken seats
-f one toilet for everyone
-f repair the elevator

@ cleanliness
+ they scrub, sweep and air the room all day long
+ crisp linen and gleaming taps
+ fresh flowers instead of stale air
- grease, crumbs and sticky fingerprints on everything
- the bin overflowed and the sink was clogged
- an odor of wet socks hung in the air
- I itched all over afterwards
- {client} came home with lice
- they use the same rag for everything
- puddles and hair all over the bathroom
+f gleaming
+f neat and hygienic
+f crisp and clean
-f grease everywhere
-f stinks
-f lice
-f same dirty rag
-f overflowing bins
-f hair everywhere

@ atmosphere
+ candles, soft chairs and friendly chatter
+ it hums with good energy
+ a peaceful corner in a hectic city
+ {client} was relaxed by the calm that reigns there
- phones, drills, screaming, it was bedlam
- the tension between the people there is in the air
- a gloomy corridor and a flickering tube
- you could cut the air with a knife
- it is like a factory
- {client} was overwhelmed by the racket
+f an oasis of calm
+f good energy
+f friendly chatter
-f like a factory
-f bedlam
-f depressing
-f no privacy
-f tense and hectic
"""
