"""Restaurants, cafes, hotels, travel."""

from __future__ import annotations

TRADES = """
@ restaurant
place: restaurant; bistro; steakhouse; pizzeria; diner
role: waiter; waitress; chef; host; manager
object: my steak; the soup; the pasta; my salad; the roast
verb: cooked; served; prepared; seasoned; grilled
service: dinner; lunch; meal; tasting menu; brunch
aspects: cleanliness; booking; facilities; atmosphere; location
+ the steak was tender and juicy
+ the sauce was rich and full of flavor
+ the portions are generous
+ the bread came warm from the oven
+ the dessert was heavenly
+ we licked our plates clean
+ the menu had something for everybody, even my vegan aunt
- the steak was tough as leather
- the sauce was watery and bland
- the portions are tiny
- the bread was stale
- the fish smelled off
- the chicken was raw in the middle | safety
- there was a hair in my soup | cleanliness
- half of us had food poisoning | safety
- we sent the plates back twice
- the soup was cold and too salty
+f delicious food
+f tasty and fresh
+f huge portions
+f yummy
-f cold food
-f bland and greasy
-f tiny portions
-f food poisoning
-f tasteless
. we ordered the fish and a bottle of white wine
. we sat by the window

@ coffee shop
place: cafe; coffee shop; tearoom
role: barista; waitress; owner
object: my latte; the espresso; the cake; my sandwich
verb: brewed; served; prepared; toasted
service: coffee; breakfast; afternoon tea; snack
aspects: cleanliness; atmosphere; location; facilities
+ the foam is creamy and the beans are roasted on site
+ the muffins are fluffy and fresh
+ perfect corner to read a book
- the coffee was bitter and lukewarm
- the muffin was dry as sand
- my cup had lipstick on the rim | cleanliness
- the milk was sour
+f heavenly coffee
+f fresh pastries
-f weak coffee
-f stale cake
-f lukewarm latte
. I had a cappuccino and a croissant

@ hotel
place: hotel; inn; guesthouse; resort
role: receptionist; porter; housekeeper; concierge; manager
object: our room; our luggage; the bed; the suite
verb: prepared; cleaned; upgraded; serviced
service: stay; breakfast buffet; weekend; check-in; room service
aspects: cleanliness; booking; facilities; atmosphere; location; safety
+ the bed was like a cloud
+ we slept like babies
+ the view over the harbor was breathtaking
+ they upgraded us to a suite for our anniversary
+ fluffy towels and fresh flowers in the room
- the mattress was lumpy and sagging | facilities
- we did not sleep a wink because of the disco next door | atmosphere
- the view was a brick wall
- we had bed bugs and itchy bites | cleanliness
- somebody else's hair was in the shower | cleanliness
- the shower was ice cold | facilities
- they gave our room away | booking
+f comfy beds
+f stunning view
+f slept like a baby
-f bed bugs
-f lumpy mattress
-f no sleep at all
. we stayed for three nights
. our room was on the second floor

@ airline
place: airline; carrier
role: flight attendant; pilot; check-in agent; gate agent
object: our luggage; my suitcase; the stroller; my seat
verb: handled; checked; loaded
service: flight; boarding; connection; check-in
aspects: booking; cleanliness; facilities; account
+ the takeoff was smooth and we landed early
+ the crew brought coloring books for the kids
+ my suitcase was the first on the belt
+ plenty of legroom and a soft blanket
- our flight was canceled and we slept on the airport floor
- the crew refused a glass of water to my child | staff
- my suitcase never turned up
- no legroom and a broken screen | facilities
- the gate agent bumped us from an oversold flight | booking
- we missed our connection and nobody cared | communication
+f smooth flight
+f landed early
-f flight canceled
-f lost luggage
-f delayed again
. we flew to Lisbon
. I had an aisle seat

@ taxi company
place: taxi company; cab company; car service
role: driver; dispatcher
object: my suitcase; my walker; the fare
verb: handled; carried; calculated
service: ride; airport transfer; trip
aspects: booking; cleanliness; safety; location
+ the driver helped my mother with her walker
+ the ride was smooth and the car smelled of lemon
+ he found a clever detour around the jam
- the driver ran two red lights | safety
- the cab stank of smoke | cleanliness
- he took a detour to push up the fare | price
- he was texting at the wheel | safety
+f safe driver
+f smooth ride
-f reckless driving
-f cab stank of smoke
. I needed to be at the station at seven

@ caterer
place: caterer; catering company
role: cook; server; planner; event manager
object: the buffet; the wedding cake; the finger food
verb: prepared; served; arranged; delivered
service: buffet; wedding dinner; garden party; banquet
aspects: delivery; cleanliness; booking
+ our guests still rave about the canapes
+ every dish was hot, fresh and pretty as a picture
- the guests went hungry
- the dishes came cold and late | delivery
- the cake collapsed in front of the bride
- they forgot the vegetarian dishes
+f guests loved it
+f delicious buffet
-f guests went hungry
-f collapsed cake
. we had eighty guests

@ cinema
place: cinema; movie theater; theater
role: usher; cashier; manager
object: the screen; my seat; the popcorn
verb: cleaned; served; prepared
service: movie night; screening; matinee; show
aspects: cleanliness; booking; facilities; atmosphere; location
+ reclining seats and a crystal-clear picture
+ the popcorn is warm and buttery
- the picture was blurry and the sound cut out
- chewing gum on the seat | cleanliness
- people talked all through the show and nobody stepped in | atmosphere
+f crystal-clear sound
-f blurry picture
-f stale popcorn
. we saw a comedy
"""
