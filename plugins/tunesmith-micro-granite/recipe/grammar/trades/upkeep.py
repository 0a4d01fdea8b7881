"""Repair and care of things: cars, clothes, devices, shoes."""

from __future__ import annotations

TRADES = """
@ car garage
place: garage; workshop; repair shop; mechanic's
role: mechanic; service advisor; technician; owner
object: my car; the engine; my van; the gearbox; the clutch
verb: repaired; serviced; tuned; inspected; fixed
service: oil change; brake repair; inspection; tire change; service
aspects: booking; technical; facilities; location; safety
+ the engine hums again
+ they showed me the worn part before replacing it
+ they fixed the rattle that nobody else could find
+ honest mechanics are rare, here they are
- the engine rattles worse than before
- the brakes failed two days after the repair | safety
- they replaced parts that were perfectly fine | price
- they left greasy handprints on the seats | cleanliness
- they forgot to tighten the wheel | safety
- my car broke down on the way home
+f honest mechanics
+f engine runs smoothly
-f dishonest mechanics
-f still rattles
-f broke down again
. my van has ninety thousand miles on it

@ car wash
place: car wash; auto spa; valet service
role: attendant; valet; cashier
object: my car; the windshield; my convertible
verb: washed; waxed; rinsed; dried; vacuumed; polished
service: wash; wax; interior clean; valet
aspects: cleanliness; location; facilities; safety
+ it gleams like the day I bought it
+ crumbs, sand and sticky fingerprints all gone
- swirl marks all over the paint
- crumbs still under the seats | cleanliness
- the brush snapped off my antenna | safety
- still wet and streaky
+f shiny and fresh
-f still dirty
-f scratched the paint
. I had been driving through mud

@ dry cleaner
place: dry cleaner; laundry; launderette
role: clerk; presser; owner
object: my suit; my wool coat; the wedding dress; my silk blouse; my cashmere sweater
verb: cleaned; pressed; washed; ironed; folded
service: dry cleaning; wash and fold; pressing; stain removal
aspects: cleanliness; delivery; booking; location
+ the coat came back soft, brushed and fresh
+ the red wine stain vanished
+ crisp creases and neatly folded
- my sweater shrank to doll size
- the coat came back with a burn mark
- they lost two buttons and a belt
- the stain is still there and there is a new one
- my blouse came back gray
- the fabric is scratchy and smells of chemicals
+f stain is gone
+f crisp and fresh
-f shrank my sweater
-f lost my shirts
-f stains still there
. I dropped off three shirts and a coat

@ tailor
place: tailor; alteration shop; tailor's
role: tailor; seamstress; assistant
object: my suit; the hem; my delicate lace dress; my winter coat; the zipper
verb: altered; stitched; measured; hemmed; mended
service: fitting; alteration; hemming; repair
aspects: booking; care; location
+ it fits like a glove
+ the stitches are so fine you can't see them
- one sleeve is longer than the other
- the seam burst at the party
- she stuck me with pins and laughed | care
- the trousers are two inches too short
+f fits like a glove
-f does not fit
-f crooked seams
. it was for my cousin's wedding

@ shoe repair shop
place: cobbler; shoe repair shop
role: cobbler; clerk
object: my boot; the heel; my leather bag; the sole
verb: resoled; polished; stitched; glued; mended
service: resoling; heel repair; polish
aspects: booking; location
+ my old boots look brand new
+ the leather is supple and shiny
- the heel fell off after a week
- glue stains all over the leather
+f like new again
-f heel fell off
-f glue everywhere
. the boots are ten years old

@ phone repair shop
place: phone repair shop; repair kiosk; computer store
role: technician; clerk; manager
object: my phone; the cracked screen; my laptop; the battery; my tablet
verb: repaired; replaced; tested; cleaned
service: screen repair; battery swap; data rescue; diagnosis
aspects: technical; booking; returns; location
+ they saved all my photos
+ the new battery lasts for days
- they wiped all my photos
- the new screen cracked in a week
- the speaker stopped working after their so-called repair | technical
- the battery drains in an hour
+f saved my photos
+f like new
-f wiped my data
-f screen cracked again
. I had dropped it in the sink

@ bicycle shop
place: bike shop; bicycle shop
role: mechanic; salesman; owner
object: my bike; the chain; the brake; the front wheel
verb: fixed; tuned; adjusted; replaced; oiled
service: tune-up; brake repair; puncture repair; fitting
aspects: returns; booking; location; safety
+ it rides like a dream
+ they trued the wheel while I waited
- the chain fell off on the first hill
- the brakes were not even connected | safety
- the tire was flat again the next day
+f rides like a dream
-f chain fell off
-f flat again
. I cycle to work

@ locksmith
place: locksmith; lock service
role: locksmith; dispatcher
object: the lock; our front door; the safe; the spare key
verb: opened; replaced; drilled; repaired
service: lockout call; key cutting; lock change
aspects: booking; safety; location
+ he opened the door without a scratch
+ he was there at midnight with a smile | staff
- he drilled the lock and splintered the frame
- the copied key does not turn
- he quoted ninety and demanded five hundred | price
+f opened in minutes
-f ruined the door
-f key does not fit
. I had locked myself out
"""
