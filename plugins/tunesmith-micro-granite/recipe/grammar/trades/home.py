"""Trades that work at the customer's home."""

from __future__ import annotations

TRADES = """
@ plumber
place: plumbing company; plumber; firm
role: plumber; apprentice; dispatcher
object: the sink; the boiler; our shower; the leaking tap; the drain
verb: fixed; repaired; installed; replaced; unclogged
service: repair; emergency visit; boiler check; installation
aspects: cleanliness; booking; technical; safety
+ the leak was gone within the hour
+ he put down sheets to protect our floor
+ hot water at last
- the leak was back the next morning
- he flooded the kitchen
- he left a hole in the wall
- the water was brown for days
- he tracked mud through the hallway | cleanliness
+f leak fixed
+f hot water again
-f still leaking
-f flooded our kitchen
. water was dripping from the ceiling

@ electrician
place: electrical firm; electrician; company
role: electrician; technician; office lady
object: the fuse box; the wiring; the outlet; our doorbell
verb: rewired; repaired; installed; replaced; tested
service: repair; installation; inspection; rewiring
aspects: cleanliness; booking; technical; safety
+ the lights have not flickered since
+ he labeled every switch
- sparks flew from the outlet | safety
- the fuse blows every night
- he left bare wires hanging where a child could reach them | safety
+f no more flickering
-f bare wires
-f fuse blew again
. the power had gone out in the hall

@ moving company
place: moving company; movers; removal firm
role: mover; foreman; driver
object: our piano; the sofa; the wardrobe; my grandmother's mirror
verb: packed; carried; wrapped; loaded; delivered
service: move; packing; furniture transport
aspects: delivery; booking; safety
+ not one plate was chipped
+ they wrapped every glass like a baby
+ they carried the piano up four floors without a groan
- half of our plates were shattered
- they dropped the piano on the stairs
- they scratched the parquet and dented the door
- two boxes went missing
- they held our furniture hostage until we paid more | price
+f nothing broken
+f strong and careful
-f broken furniture
-f boxes missing
-f dropped the sofa
. we moved from a third-floor apartment

@ house cleaning service
place: cleaning service; cleaning company; agency
role: cleaner; supervisor; coordinator
object: the oven; our kitchen; the bathroom; the carpet; the staircase
verb: scrubbed; cleaned; polished; vacuumed; mopped; dusted
service: deep clean; weekly clean; window cleaning; spring cleaning
aspects: cleanliness; booking; communication; safety
+ the tiles shine like mirrors
+ even the stubborn stains came out
+ she folds the blankets and fluffs the cushions
- the tiles are as grimy as before | cleanliness
- she broke a vase and hid the pieces
- the stains got bigger
- jewelry went missing | safety
- cobwebs everywhere after a so-called deep clean | cleanliness
+f sparkling kitchen
-f missed the corners
-f broke a vase
. the house has three bedrooms

@ carpet cleaner
place: carpet cleaner; carpet cleaning company
role: technician; cleaner; owner
object: our rug; the wool carpet; the sheepskin; the couch; the fluffy rug
verb: shampooed; brushed; washed; cleaned; combed; dried; rinsed
service: carpet wash; deep shampoo; stain removal; drying
aspects: cleanliness; delivery; booking
+ the wool is soft and fluffy again
+ the matted pile came out silky
+ no smell, no tangles, just a soft clean rug
+ they brushed out years of lint and tangles
- the wool came back matted and stiff
- the rug is shedding in clumps
- it still smells damp and musty | cleanliness
- the colors bled and the fringe was tangled
- they left clumps and tangles all over
+f soft and fluffy again
+f no more stains
-f matted and stiff
-f still smells
-f shedding everywhere
. the rug is from my grandparents

@ landscaper
place: gardening company; landscaper; garden service
role: gardener; landscaper; crew leader
object: our hedge; the lawn; the rose bed; the old apple tree
verb: trimmed; mowed; pruned; planted; watered; clipped
service: hedge trimming; lawn care; garden makeover; tree pruning
aspects: cleanliness; booking; safety
+ the lawn is green and thick as a carpet
+ the hedge is straight as a ruler
+ the roses bloom like never before
- the lawn is yellow and patchy
- the hedge looks like a child cut it
- they killed my roses
- they hacked the tree to a stump
- branches and clippings were left all over the drive | cleanliness
+f gorgeous garden
-f killed my roses
-f hacked the hedge
. the garden faces south

@ painter
place: painting company; painter; decorator
role: painter; decorator; foreman
object: the ceiling; the hallway; our fence; the nursery wall
verb: painted; sanded; primed; wallpapered
service: paint job; renovation; wallpapering
aspects: cleanliness; booking
+ clean edges and no drips
+ the colors are vivid and even
- drips and streaks on every wall
- paint on the windows, the floor and the sofa | cleanliness
- the wallpaper peels and bubbles
+f clean edges
-f drips everywhere
-f streaky walls
. we chose a pale green

@ pest control company
place: pest control company; exterminator
role: technician; inspector
object: the attic; the pantry; the basement
verb: treated; sprayed; inspected; sealed
service: treatment; inspection; wasp removal; ant treatment
aspects: booking; safety; cleanliness
+ not a single ant since they came
+ the wasps were gone in an hour
- the ants were back the next day
- the spray made {client} cough for days | safety
- they sprayed over our toothbrushes | safety
+f no more ants
-f ants are back
-f toxic smell
. we had ants in the pantry
"""
