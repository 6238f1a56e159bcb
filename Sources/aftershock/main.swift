print("aftershock")
