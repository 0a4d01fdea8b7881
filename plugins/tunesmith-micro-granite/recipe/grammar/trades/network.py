"""Banks, insurers, couriers, providers."""

from __future__ import annotations

TRADES = """
@ courier
place: courier; parcel service; delivery company
role: driver; dispatcher; support agent
object: my parcel; the package; the letter; the fragile box
verb: handled; delivered; wrapped; scanned
service: delivery; pickup; express shipment
aspects: delivery; account; returns
+ the crystal glasses arrived without a crack | delivery
+ he even carried it in for my grandmother | delivery
- the glasses arrived in splinters | delivery
- he marked it delivered and drove off | delivery
- the box looked as if an elephant had sat on it | delivery
- a card in the mailbox although I was at home all day | delivery
+f handled with care
-f smashed parcel
-f parcel lost
. it was a small box

@ bank
place: bank; credit union; branch
role: teller; advisor; branch manager; agent
object: my loan; the transfer; my credit card; the mortgage
verb: handled; processed; approved; arranged
service: transfer; loan application; mortgage; consultation
aspects: account; booking; technical; location
+ the mortgage was approved in days
+ they refunded the fraud the same day | account
- they froze my card on vacation | account
- monthly charges crept up without notice | price
- they lost my papers twice
- they sold my aunt a fund she did not understand
+f mortgage approved
+f no monthly fees
-f card frozen
-f account frozen
-f papers lost
. I wanted to finance a car

@ insurance company
place: insurance company; insurer
role: agent; claims adjuster; broker
object: my claim; the policy; the damage report
verb: handled; processed; settled; reviewed
service: claim; policy change; consultation
aspects: account; technical
+ my claim was paid without a fight
+ she found me better cover for less | price
- they wriggled out of paying
- they rejected my claim because of the fine print
- they doubled my premium after one accident | price
+f claim paid quickly
-f claim rejected
-f premium doubled
. a storm had damaged our roof

@ internet provider
place: provider; internet company; phone company
role: technician; support agent; salesperson
object: my router; the line; my contract; the modem
verb: installed; connected; repaired; upgraded
service: installation; contract change; repair visit
aspects: technical; account; booking
+ videos never stutter | technical
+ fiber was up and running the same afternoon | technical
- videos stutter and calls break up | technical
- three weeks without a line | technical
- they locked me into two years | account
- I am billed for a speed I never get | price
+f blazing fast
-f no signal
-f line is dead
. I work from home

@ energy company
place: energy company; utility; electricity supplier
role: agent; meter reader; technician
object: my meter; the bill; my contract
verb: checked; installed; corrected
service: meter reading; contract; connection
aspects: account; technical
+ switching was simple and my bills went down | price
- they estimated my meter and billed me for a factory | price
- the power went off in the middle of winter
+f lower bills
-f bill exploded
-f power cuts
. we heat with electricity

@ real estate agency
place: real estate agency; letting agency; property manager
role: agent; landlord; property manager; caretaker
object: our apartment; the lease; the deposit; the boiler
verb: handled; inspected; arranged; repaired
service: viewing; lease signing; handover; apartment search
aspects: booking; facilities; communication; account
+ she found us a sunny flat within our budget
+ the caretaker fixed the radiator the same evening | facilities
- damp walls and a landlord who does not care | facilities
- they kept our deposit for invented scratches | price
- the flat looked nothing like the pictures
+f found our dream home
-f deposit stolen
-f damp flat
. we were looking for two bedrooms

@ law firm
place: law firm; attorney's office; notary
role: lawyer; attorney; paralegal; notary
object: my case; the contract; the will
verb: handled; drafted; reviewed; prepared
service: consultation; hearing; contract review
aspects: booking; location
+ we won the case
+ she fought for us like a lion
- he missed the deadline and we lost
- he mixed up our file with another client's
- I paid by the hour for excuses | price
+f won our case
-f lost our case
-f missed the deadline
. it was a dispute with a neighbor

@ photographer
place: photo studio; photographer
role: photographer; assistant; editor
object: our family portrait; the album; my passport photo
verb: edited; framed; printed; arranged
service: photo shoot; wedding shoot; portrait session
aspects: care; booking; atmosphere; delivery
+ she caught our baby's giggle
+ the pictures are so cute that we cried
- blurry, dark and badly cropped
- our eyes are shut in every picture
- he made the baby cry and kept clicking | care
+f adorable pictures
+f cute photos
-f blurry photos
-f lost our pictures
. we wanted a picture of all four of us

@ travel agency
place: travel agency; tour operator
role: guide; agent; consultant
object: our itinerary; the cruise; our visa
verb: planned; arranged; booked; handled
service: tour; cruise; city trip; safari
aspects: booking; communication; safety
+ memories for a lifetime
+ our guide was a walking encyclopedia | staff
- the hotel they booked did not exist | booking
- we were stranded without a transfer
- the guide rushed us through in an hour
+f trip of a lifetime
-f stranded abroad
-f holiday ruined
. we wanted two weeks by the sea

@ public office
place: town hall; passport office; public office
role: clerk; officer; counselor
object: my passport; the application; the permit
verb: processed; handled; stamped; checked
service: passport renewal; registration; permit application
aspects: booking; account; facilities; location; technical
+ the clerk helped me fill in every line | staff
+ the permit was stamped on the spot | speed
- they sent me from window to window | communication
- they lost my papers and told me to start over
+f no red tape
-f endless red tape
-f papers lost again
. my passport had run out
"""
