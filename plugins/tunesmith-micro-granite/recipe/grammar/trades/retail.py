"""Shops."""

from __future__ import annotations

TRADES = """
@ florist
place: florist; flower shop
role: florist; assistant; owner
object: the bouquet; my wreath; the orchid; the bridal bouquet
verb: arranged; wrapped; tied; delivered
service: bouquet; wedding arrangement; centerpiece
aspects: delivery; booking; location; atmosphere
+ the roses were fresh and fragrant
+ the tulips lasted two weeks
+ the bow and the ribbon were so cute
- the roses were wilted and brown
- the tulips drooped within hours
- petals fell off before we reached the church
- they sent a funeral wreath to a birthday party | delivery
+f fresh flowers
+f gorgeous bouquet
-f wilted flowers
-f dead roses
. it was for Mother's Day

@ bakery
place: bakery; pastry shop; patisserie
role: baker; saleswoman; cashier
object: the cake; my sourdough loaf; the birthday cake; the pie
verb: baked; decorated; sliced; packed
service: birthday cake; bread; breakfast roll; pastry
aspects: cleanliness; delivery; location; atmosphere
+ crunchy crust and a soft crumb
+ the icing was as pretty as it was tasty
- the bread was hard as a brick
- the icing was smeared and the name misspelled
- a fly was baked into the roll | cleanliness
- burnt on the outside and doughy inside
+f crusty and fresh
+f scrumptious cake
-f hard as a brick
-f burnt bread
. I buy rolls there on Sundays

@ supermarket
place: supermarket; grocery store; market
role: cashier; butcher; shelf stacker; manager
object: the milk; my shopping; the lettuce; the meat
verb: packed; weighed; stocked; sliced
service: weekly shop; checkout; home delivery
aspects: cleanliness; delivery; returns; facilities; location; atmosphere
+ crisp vegetables and full shelves
+ the butcher cuts it just the way I like
- moldy strawberries and empty shelves
- the milk was past its date
- only one checkout open out of nine | speed
- the eggs were cracked
+f full shelves
+f crisp vegetables
-f empty shelves
-f moldy fruit
-f expired milk
. I go there once a week

@ furniture store
place: furniture store; showroom; carpenter's
role: salesman; fitter; carpenter; designer
object: our sofa; the dining table; the bookcase; the mattress
verb: assembled; delivered; built; fitted
service: assembly; kitchen fitting; consultation; upholstery
aspects: delivery; returns; facilities; location
+ sturdy wood and smooth drawers
+ the sofa is plush and comfy
- wobbly legs and missing screws
- the sofa sagged after a month
- the drawers jam and the veneer peels
- the fabric ripped the first time we sat down
+f sturdy and stylish
+f comfy sofa
-f wobbly table
-f screws missing
. we had just moved in

@ clothing store
place: boutique; clothing store; fashion shop
role: sales assistant; cashier; stylist
object: my dress; the jacket; the sweater; my jeans
verb: fitted; folded; wrapped; steamed
service: fitting; styling session; purchase
aspects: returns; delivery; facilities; atmosphere; location
+ the fabric is soft and the cut is flattering
+ she found me the perfect size at a glance
- the seams split at the first wash
- the color ran and stained everything
- the fabric is itchy and thin
- she told me I was too fat for the dress | staff
+f flattering and soft
+f perfect fit
-f seams split
-f itchy fabric
-f color ran
. I needed something for an interview

@ toy store
client: my son; my daughter; our toddler; my grandson; my niece; our little girl; my godchild
place: toy store; hobby shop
role: salesman; cashier; owner
object: the train set; the doll; the puzzle; the teddy bear
verb: wrapped; repaired; assembled
service: gift wrapping; purchase; birthday order
aspects: returns; delivery; atmosphere; location; safety
+ {client} squealed with delight
+ they let the kids try everything out | atmosphere
- the doll's arm came off on the first day
- a sharp edge cut {client}'s finger | safety
- two puzzle pieces were missing
+f kids love it
+f squeals of delight
-f broke in a day
-f pieces missing
. {client} was turning six

@ bookstore
place: bookstore; bookshop; library
role: bookseller; librarian; clerk
object: my order; the novel; the dictionary; the gift edition
verb: ordered; wrapped; found; packed
service: book order; reading evening; recommendation
aspects: delivery; returns; atmosphere; location; account
+ they tracked down a novel that has been out of print for years
+ I could browse in there forever | atmosphere
- the pages were creased and the cover torn
- they sent a cookbook instead of a novel | delivery
+f heaven for readers
-f torn pages
-f wrong book
. I was after a present for a reader

@ pharmacy
place: pharmacy; drugstore
role: pharmacist; assistant; cashier
object: my prescription; the ointment; the cough syrup
verb: prepared; filled; checked; explained
service: prescription; consultation; blood pressure check
aspects: delivery; booking; safety; location; cleanliness
+ the pharmacist spotted that two of my pills don't mix | safety
+ they had the ointment ready before I asked | speed
- they gave me somebody else's pills | safety
- they shouted my illness across the counter | staff
- the cream had expired last year
+f great advice on pills
-f wrong pills
-f expired cream
. I had a prescription for {client}

@ electronics store
place: electronics store; appliance shop; online store
role: salesman; technician; support agent
object: the washing machine; my headset; the printer; our television; the vacuum cleaner
verb: installed; repaired; delivered; replaced
service: purchase; installation; repair; warranty service
aspects: delivery; returns; technical; account
+ whisper-quiet and easy to use | technical
+ it has run for years without a hiccup
- it broke after two weeks
- it hums, smokes and leaks | safety
- the manual is gibberish and the cable is missing
- the plug melted | safety
+f runs perfectly
+f whisper quiet
-f broke after a week
-f arrived dead
-f cheap plastic
. I compared {number} models
"""
