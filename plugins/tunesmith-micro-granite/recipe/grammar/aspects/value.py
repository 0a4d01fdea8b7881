"""Phrases of customers about prices, fees and value."""

from __future__ import annotations

PHRASES = """
@ price
+ the prices are fair
+ the price was {very} reasonable
+ you get a lot for your money
+ worth every penny
+ it was worth every cent of the {price}
+ I paid {price} and it was a bargain
+ {price} is a steal for a {service} like that
+ they charge less than every other {place} in town
+ they charged exactly what they had quoted
+ no hidden fees and no surprises
+ the bill was lower than I expected
+ they gave us a discount without being asked
+ the quote was honest and they stuck to it
+ cheap, but the quality is anything but
+ a bit pricey, but so worth it
+ not the cheapest, but you get what you pay for
+ it costs a little more than elsewhere and I gladly pay it
+ I left a big tip because they earned it
+ excellent value for money
+ you won't find a better deal
+ they didn't charge me for the small repair
+ they refunded the difference without a fuss
+ their loyalty card saves me a fortune
+ affordable even for a student like me
+ it's not expensive at all
+ the monthly plan pays for itself
+ never had a problem with a bill
+ they went through the invoice with me line by line
+ finally a {place} that does not overcharge
- the prices are outrageous
- the price was not reasonable
- you get very little for your money
- not worth a penny
- it was not worth the {price}
- I paid {price} for nothing
- {price} for a {service} like that is a joke
- they charge more than every other {place} in town
- they charged {fee} more than they had quoted
- hidden fees everywhere
- they added {fee} to the bill without telling us
- the bill was twice what I expected
- they would not honor the coupon
- the quote was {price} and the bill was double
- overpriced for what you get
- way too expensive for poor work
- you are paying for the name, nothing else
- I want my money back
- I demanded a refund and they refused
- they refused to refund me
- I am still waiting for my refund after {days}
- they charged my card {times}
- they billed me for a {service} I never had
- they raised the prices again and the quality went down
- what a rip-off
- a complete waste of money
- don't waste your money here
- save your money and go elsewhere
- daylight robbery
- highway robbery, plain and simple
- they nickel-and-dime you for everything
- they expect a tip for that?
- who pays {price} for this?
- a cheap {place} would have done it better
- they charge a fee even when they cancel on you
- they kept my deposit
- I was charged a late fee although I was on time
- the pricing is confusing and changes every visit
- lower your prices
- they should lower their prices
- the prices could be lower
- there should be a discount for regulars
- I wish it were more affordable
- the invoice was full of errors
- they tried to upsell me the whole time
+m the price was fair
+m it was cheap
+m the prices are reasonable
+m I got a small discount
+m it was not expensive
+m the price is hard to beat
-m it is a bit pricey
-m the prices are on the high side
-m it costs a little more than elsewhere
-m {price} is not exactly cheap
-m they don't take credit cards
-m it was more than I usually pay
-m prices have gone up a bit
+f great value
+f great prices
+f fair prices
+f good value for money
+f worth every penny
+f worth the money
+f worth the price
+f very affordable
+f reasonable rates
+f what a bargain
+f no hidden fees
+f honest pricing
+f not expensive
+f a bit pricey but worth it
+f best price in town
+f money well spent
+f good deal
-f bad value
-f poor value for money
-f not worth it
-f not worth the money
-f not worth {price}
-f too expensive
-f way too expensive
-f very expensive
-f overpriced
-f prices too high
-f what a rip-off
-f total rip-off
-f waste of money
-f hidden fees
-f want my money back
-f overcharged again
-f charged {times}
-f refund refused
-f surprise charges
-f lower the prices
-f cheaper prices please
-f money down the drain
"""
