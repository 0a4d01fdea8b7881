"""Wishes, requests and two-sided remarks, which carry their verdict indirectly."""

from __future__ import annotations

PHRASES = """
@ cleanliness
- a broom and some soap would work wonders
- I wish they cleaned the {place} once in a while
- more cleaning, please
- it would be nicer if it did not smell so bad
- towels should be changed between customers
+ keep it this clean
+ other places could learn from them how to clean
-f more cleaning please
-f needs a deep clean
-f clean more often
+f always clean
+f always smells fresh

@ staff
- I'd like to be treated with a bit more respect
- more kindness would be appreciated
- they need someone friendlier at the front desk
- please teach {staff} some manners
- hire someone who likes people
- the {role} should be replaced
- more experienced people are needed
+ please give {staff} a raise
+ keep {name}, whatever you do
+ I hope {name} stays forever
-f more kindness please
-f be nicer
-f be more polite
-f train your people
+f give {name} a raise
+f keep {name}

@ booking
- a working booking system would be nice
- I'd come more often if there were any free slots
- why not open on {day}?
- let people book online like everyone else
- they should send a reminder before the appointment
- it should be easier to reschedule
+ please keep the late opening on {day}
+ online booking is a wonderful idea
-f online booking needed
-f open earlier
-f let us book online
-f more weekend slots
+f love the late hours
+f love the online booking

@ communication
- I'd appreciate an honest answer
- give people a call when plans change
- the least they could do is reply
- they need a second phone line
- it would help to have someone who listens
- please update your website
- more information beforehand would be good
+ please keep sending those photos
+ the reminders are so helpful
-f reply to emails
-f update your website
-f more information please
-f listen to customers
-f call people back
+f love the photo updates
+f helpful reminders

@ speed
- it would be nice not to wait {wait} every time
- they should not take more customers than they can handle
- a second {role} would cut the waiting time
- I'd be happier with shorter waits
+ please keep being so punctual
-f cut the waiting time
-f speed things up
-f faster service please
+f love how fast it is

@ price
- a discount for families would be nice
- I'd come more often if it were cheaper
- tell people the price up front
- put the prices on the wall so that we know
- reduce your fees
- offer cheaper packages
+ please keep the prices this fair
+ the family discount is great
-f discounts needed
-f tell the price upfront
-f reduce your fees
-f make it cheaper
+f love the discounts
+f fair deal

@ facilities
- a few more chairs would not hurt
- it could use a fresh coat of paint
- air conditioning would be nice in summer
- they should repair the door
- more space is urgently needed
- please fix the toilets
- free drinks would be a nice gesture while we wait forever
+ please leave the play corner just as it is
-f more space needed
-f more chairs please
-f fix the toilets
-f needs air conditioning
-f get new chairs
+f love the new chairs

@ quality
- next time take more time for {object}
- more attention to detail would help
- the {service} should be more thorough
- I'd like to get what I asked for
- use better products
- please improve the quality
- {object} deserved better
+ keep doing exactly what you do
+ don't change a thing about the {service}
-f more attention to detail
-f be more thorough
-f be more careful
-f use better products
-f improve the quality
-f do what I asked
+f don't change a thing
+f keep up this quality

@ safety
- please put safety first
- somebody should keep an eye on {client}
- they should check for allergies
- there should be a first-aid kit
+ their safety rules should be a model for others
-f more safety please
-f watch the kids
-f check for allergies
+f safety first here

@ care
- they should give nervous people a break
- I'd like {client} to be treated with more tenderness
- {client} needs a calmer approach
+ every {place} should be this gentle
-f more patience please
-f more tenderness please
-f take more time for {client}
+f more places like this please

@ atmosphere
- less noise and fewer people would be good
- a calmer room would help {client}
- please turn off that music
+ please never change the music
-f less noise please
-f calmer music please
+f love the music

@ special
- nice people, shame about the {service} | quality
- {nice} staff, {bad_adj} work | quality
- friendly but useless
- cheap but {bad} | quality
- pretty {place}, {nasty} people | staff
- good work, but I will not put up with the {vice} | staff
- the {service} was fine, the bill was not | price
- fast, but {bad} | quality
- clean, yes, but cold and unfriendly | staff
- three weeks ago I'd have given five stars, today one
- the first visit was {good}, the second {bad}, and there won't be a third
- I gave them a second chance and regret it
- nice try, but no
- I tried to be patient, I tried to be polite, it was no use
- they fixed it in the end, but only after I complained {times}
- I got my refund in the end, but what a battle | price
- they apologized, but an apology does not repair {object} | quality
- {client} liked it, I did not
- if only the {service} were as good as the coffee | quality
- the only good thing was the parking
- the best part was leaving
- at least the coffee was hot
- it is not the price that bothers me, it's the {vice} | staff
- I don't mind paying, but not for {bad_adj} work | quality
- I don't mind waiting, but {wait} is too much | speed
- no, no and no again
- it started with a smile and ended with a lawsuit
- {name} was lovely, the rest of them {nasty} | staff
+ not cheap, but {good} | quality
+ slow, but {good} | quality
+ small {place}, big heart
+ shabby outside, {lovely} inside | atmosphere
+ a bit far, but worth it | location
+ pricey, yes, and worth every cent | price
+ the wait was long, the result was {good} | quality
+ no frills, just {good_adj} work | quality
+ the bill was high, the {service} was higher still in quality | quality
+ the first visit was {good}, the second even better
+ I gave them a second chance and I am glad I did
+ I tried to find something to criticize and failed
+ they made a mistake, apologized and put it right the same day
+ {client} didn't want to go and then didn't want to leave
+ I came in angry and went home happy
+ I came for the price and stayed for the people | staff
+ if only every {role} were like {name} | staff
+ the only bad part was leaving
+ it's not about the price, it's about the {virtue} | staff
+ I don't mind waiting when the {service} is this {good} | quality
+ I don't mind paying more for {good_adj} work | quality
+ it started with a mix-up and ended with a big smile
+ I have been let down by {number} other places, never by this one
+ no complaints, no drama, no stress
+ neither rude nor rushed, unlike the last {place} | staff
+ less than perfect parking, more than perfect {service} | quality
+ forget the fancy places, go here
+ was I worried? yes; did I need to be? no
+ how can a {role} be so {nice}? | staff
"""
